/** A program that keeps its data in its own process: says what it took to get there, and ends. See start-suite.ts. */
import { open } from '@holdfast/client/embedded';

const store = await open();
await store.execute(['SET', 'k', 'v']);
const { user, system } = process.cpuUsage();
process.stdout.write(`${(user + system) / 1000}\n`);
await store.close();
