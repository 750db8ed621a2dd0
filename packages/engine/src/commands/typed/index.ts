/**
 * Holdfast's own commands: typed operations with versions, for every protocol. The gRPC server and the
 * embedded library are built on them; Redis clients may use them too.
 */
import type { Command } from '../../command.js';
import { kvDel } from './kv-del.js';
import { kvDelRange } from './kv-delrange.js';
import { kvGet } from './kv-get.js';
import { kvMget } from './kv-mget.js';
import { kvPut } from './kv-put.js';
import { kvScan } from './kv-scan.js';

export const typedCommands: readonly Command[] = [kvGet, kvPut, kvDel, kvMget, kvScan, kvDelRange];
