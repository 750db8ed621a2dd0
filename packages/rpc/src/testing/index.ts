export { type ReflectedClient, reflectedClient } from './reflected-client.js';
