/**
 * A server as a process of its own, to be killed, paused and started again:
 *
 *     const server = new ProcessUnderTest({ program: 'my-server', args: ['--port', '0'], isReady: (line) => line.includes('ready') });
 *     const ready = await server.start();
 *     await server.kill();           // SIGKILL
 *     await server.start();          // with the same arguments
 *     await server.stop();
 *
 * It never outlives this process, whatever happens to that: it is killed on exit, and by the kernel when this
 * process is killed (where `setpriv` is installed, as on every Debian). What it started itself is killed with it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { type Env, KvError, systemEnv } from '@holdfast/common';
import { endWithUs } from '@holdfast/common/testing';
import { logLinesMax } from '../limits.js';
import { type LogLine, LogLines } from './log-lines.js';

export interface ProcessOptions {
  readonly program: string;
  readonly args?: readonly string[];
  /** Its environment variables; those of this process unless given. */
  readonly variables?: NodeJS.ProcessEnv;
  readonly directory?: string;
  /** Whether a line on stdout says that it serves; the first line does, unless given. */
  readonly isReady?: (line: string) => boolean;
  /** How long `start` waits for that line; 30 s unless given. */
  readonly startTimeoutMs?: number;
  readonly env?: Env;
}

/** How a process ended: one of the two is null. */
export interface ProcessExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

const setpriv = ['/usr/bin/setpriv', '/bin/setpriv'].find((path) => existsSync(path));

export class ProcessUnderTest {
  readonly #options: ProcessOptions;
  readonly #env: Env;
  readonly #lines = new LogLines(logLinesMax);
  #child: ChildProcess | null = null;
  #exited: Promise<ProcessExit> = Promise.resolve({ code: null, signal: null });

  constructor(options: ProcessOptions) {
    this.#options = options;
    this.#env = options.env ?? systemEnv();
  }

  get isRunning(): boolean {
    return this.#child !== null;
  }

  /** -1 when it does not run. */
  get pid(): number {
    return this.#child?.pid ?? -1;
  }

  /** Resolves when the process that was started last has ended. */
  get exited(): Promise<ProcessExit> {
    return this.#exited;
  }

  /** What it said on both streams, over all lives: the last `logLinesMax` lines. */
  get lines(): readonly LogLine[] {
    return this.#lines.kept;
  }

  /** The same, for messages. */
  get log(): string {
    return this.#lines.kept.map(({ text }) => text).join('\n');
  }

  /**
   * Starts it and resolves with the line that says that it serves. Throws KvError UNAVAILABLE, with its log,
   * when it ends before or takes too long; it is killed then.
   */
  async start(): Promise<string> {
    if (this.#child !== null) throw new KvError('INVALID', `${this.#options.program} runs already`);
    const { isReady = () => true, startTimeoutMs = 30_000 } = this.#options;
    const ready = this.#lines.next(({ stream, text }) => stream === 'stdout' && isReady(text));
    this.#spawn();
    const { setTimeout, clearTimeout } = this.#env.timers;
    let timer: object | undefined;
    const late = new Promise<string>((resolve) => {
      timer = setTimeout(() => resolve(`was not ready within ${startTimeoutMs} ms`), startTimeoutMs);
    });
    const ended = this.#exited.then(({ code, signal }) => `ended before it was ready (${code ?? signal})`);
    const outcome = await Promise.race([ready.line, late, ended]);
    ready.cancel();
    clearTimeout(timer as object);
    if (typeof outcome !== 'string') return outcome.text;
    await this.kill();
    throw new KvError('UNAVAILABLE', `${this.#options.program} ${outcome}:\n${this.log}`);
  }

  /** As a power cut for the process: nothing of it runs any more. Not an error when it does not run. */
  async kill(): Promise<void> {
    this.#signal('SIGKILL');
    await this.#exited;
  }

  /** An orderly end by SIGTERM. */
  async stop(): Promise<ProcessExit> {
    this.#signal('SIGTERM');
    this.#signal('SIGCONT');
    return this.#exited;
  }

  /** Kills it if it runs, and starts it again with the same arguments; as `start`. */
  async restart(): Promise<string> {
    await this.kill();
    return this.start();
  }

  /** Stops its threads where they are, as a long pause of a virtual machine does. */
  pause(): void {
    this.#signal('SIGSTOP');
  }

  resume(): void {
    this.#signal('SIGCONT');
  }

  /** Resolves with the next line, of what it says from now on, for which `condition` holds. */
  async nextLine(condition: (text: string) => boolean): Promise<string> {
    return (await this.#lines.next(({ text }) => condition(text)).line).text;
  }

  #spawn(): void {
    const { program, args = [], variables, directory } = this.#options;
    const command = setpriv === undefined ? [program] : [setpriv, '--pdeathsig', 'KILL', '--', program];
    const child = spawn(command[0], [...command.slice(1), ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      // A process group of its own, so that a signal reaches what it starts.
      detached: true,
      env: variables ?? process.env,
      cwd: directory,
    });
    this.#child = child;
    this.#lines.follow(child.stdout, 'stdout');
    this.#lines.follow(child.stderr, 'stderr');
    const letGo = endWithUs(() => this.#signal('SIGKILL'));
    this.#exited = new Promise((resolve) => {
      const end = (exit: ProcessExit): void => {
        this.#child = null;
        letGo();
        resolve(exit);
      };
      child.once('error', (error) => {
        this.#lines.add('stderr', error.message);
        end({ code: -1, signal: null });
      });
      // 'close', not 'exit': all that it said was read by then.
      child.once('close', (code, signal) => end({ code, signal }));
    });
  }

  #signal(signal: NodeJS.Signals): void {
    const pid = this.#child?.pid;
    if (pid === undefined) return;
    try {
      process.kill(-pid, signal);
    } catch (error) {
      // Ended, and not told us yet.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}
