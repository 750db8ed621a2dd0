import type { Command } from '../../command.js';
import { auth } from './auth.js';
import { client } from './client.js';
import { echo } from './echo.js';
import { hello } from './hello.js';
import { ping } from './ping.js';
import { quit } from './quit.js';
import { reset } from './reset.js';
import { select } from './select.js';

export const connectionCommands: readonly Command[] = [ping, echo, select, quit, reset, auth, hello, client];
