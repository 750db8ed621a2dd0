export { SeededRandom, SimulatedEnv } from './simulated-env.js';
