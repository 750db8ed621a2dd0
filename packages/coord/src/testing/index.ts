export { LocalServer, type Plain, plainOf, TestClient } from './local-server.js';
export { ToyCoordinator } from './toy-coordinator.js';
