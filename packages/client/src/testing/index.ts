export { type StoreCase, storeConformance } from './store-conformance.js';
