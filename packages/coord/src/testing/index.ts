export { LocalServer, type Plain, plainOf, TestClient } from './local-server.js';
