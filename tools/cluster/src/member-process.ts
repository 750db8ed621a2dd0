/**
 * A process that outlives this one: started apart, known again by its id and the moment it began.
 *
 *     DIR/run/NAME.json    {"pid": 4711, "began": "8812345"}
 *     DIR/log/NAME.log     what it said, over all its lives
 *
 * An id alone is not enough: after the process has ended the system gives it to another one, which is not ours to end.
 */
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Program {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
}

interface Identity {
  readonly pid: number;
  /** When it began, in the words of this system; empty where those can't be had. */
  readonly began: string;
}

export class MemberProcess {
  readonly name: string;
  readonly logPath: string;
  readonly #program: Program;
  readonly #identityPath: string;

  constructor(directory: string, program: Program) {
    this.name = program.name;
    this.#program = program;
    this.logPath = join(directory, 'log', `${program.name}.log`);
    this.#identityPath = join(directory, 'run', `${program.name}.json`);
    mkdirSync(join(directory, 'log'), { recursive: true });
    mkdirSync(join(directory, 'run'), { recursive: true });
  }

  /** 0 when it does not run. */
  get pid(): number {
    let identity: Identity;
    try {
      identity = JSON.parse(readFileSync(this.#identityPath, 'utf8')) as Identity;
    } catch {
      return 0;
    }
    return identity.pid > 0 && isAlive(identity.pid) && beganOf(identity.pid) === identity.began
      ? identity.pid
      : 0;
  }

  get isRunning(): boolean {
    return this.pid !== 0;
  }

  /** Starts it if it does not run; whether it was started. It may not serve yet. */
  start(): boolean {
    if (this.isRunning) return false;
    const log = openSync(this.logPath, 'a');
    try {
      const { command, args } = this.#program;
      const child = spawn(command, args, { detached: true, stdio: ['ignore', log, log], env: variables() });
      // A program that is not there is told by the log, and by the member that never serves.
      child.on('error', (error) => writeFileSync(this.logPath, `${error.message}\n`, { flag: 'a' }));
      child.unref();
      const pid = child.pid ?? 0;
      writeFileSync(this.#identityPath, JSON.stringify({ pid, began: beganOf(pid) }));
    } finally {
      closeSync(log);
    }
    return true;
  }

  signal(signal: NodeJS.Signals): void {
    const { pid } = this;
    if (pid !== 0) process.kill(pid, signal);
  }

  /** It has ended, and nothing is left to remember. */
  forget(): void {
    rmSync(this.#identityPath, { force: true });
  }

  /** The end of what it said. */
  lastLines(count: number): string {
    try {
      return readFileSync(this.logPath, 'utf8').trimEnd().split('\n').slice(-count).join('\n');
    } catch {
      return '';
    }
  }
}

/** GLIBC_TUNABLES, as the images and `npm start` have it: see tools/setup/gateway.mjs. */
export const allocatorTunables =
  'glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold=1048576:glibc.malloc.arena_max=2';

/** The variables of whoever starts the cluster are no settings of its members. */
function variables(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(HOLDFAST|ETCD)_/.test(name));
  return { GLIBC_TUNABLES: allocatorTunables, ...Object.fromEntries(kept) };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return stateOf(pid) !== 'Z';
  } catch {
    return false;
  }
}

/** Linux: ticks since the machine began. */
function beganOf(pid: number): string {
  return statOf(pid)[19] ?? '';
}

function stateOf(pid: number): string {
  return statOf(pid)[0] ?? '';
}

/** The fields of /proc/PID/stat after the name, which may hold anything. */
function statOf(pid: number): string[] {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return [];
  }
}
