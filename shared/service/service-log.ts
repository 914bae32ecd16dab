/**
 * The log of a long-running program: one JSON line for each event on stderr, written when the call returns; level by
 * KEYTURN_LOG (`info` unless said). Lines are as those of pino, whose readers take them: level, time, pid, hostname, name, what
 * the event brings, msg.
 */
import { writeSync } from 'node:fs';
import { hostname } from 'node:os';
import { systemCodeOf } from '../errors.ts';
import { UsageError } from './failure.ts';

const LEVELS = { trace: 10, debug: 20, info: 30, warn: 40, error: 50, fatal: 60, silent: Number.POSITIVE_INFINITY };
type Level = keyof typeof LEVELS;

/** `facts` that are undefined are left out; an `Error` among them is told with its stack. */
type Tell = (facts: object, event: string) => void;

export interface Logger {
  readonly level: string;
  readonly debug: Tell;
  readonly info: Tell;
  readonly warn: Tell;
  readonly error: Tell;
}

export interface LogLines {
  /** Takes a line with its end. */
  write(line: string): void;
}

const STDERR: LogLines = { write: (line) => writeWhole(2, Buffer.from(line)) };

/** Errors: `UsageError` when KEYTURN_LOG names no level. */
export function serviceLog(name: string, lines: LogLines = STDERR): Logger {
  const level = process.env.KEYTURN_LOG || 'info';
  if (!isLevel(level)) {
    throw new UsageError(`KEYTURN_LOG "${level}": expected one of ${Object.keys(LEVELS).join(', ')}`);
  }
  const origin = { pid: process.pid, hostname: hostname(), name };
  const teller = (own: Level): Tell => {
    if (LEVELS[own] < LEVELS[level]) return () => undefined;
    return (facts, event) => {
      const line = { level: LEVELS[own], time: Date.now(), ...origin, ...facts, msg: event };
      lines.write(`${JSON.stringify(line, withErrors)}\n`);
    };
  };
  return { level, debug: teller('debug'), info: teller('info'), warn: teller('warn'), error: teller('error') };
}

function isLevel(text: string): text is Level {
  return Object.hasOwn(LEVELS, text);
}

function withErrors(_key: string, value: unknown): unknown {
  if (!(value instanceof Error)) return typeof value === 'bigint' ? String(value) : value;
  const { name, message, stack, cause } = value;
  return { ...value, type: name, message, stack, ...(cause !== undefined && { cause }) };
}

const FULL_PIPE_MS = 10;

/** A pipe that is full takes the rest later; one that nobody reads any more takes nothing, and ends nothing. */
function writeWhole(file: number, bytes: Buffer): void {
  for (let done = 0; done < bytes.length; ) {
    try {
      done += writeSync(file, bytes, done);
    } catch (error) {
      const code = systemCodeOf(error);
      if (code === 'EPIPE') return;
      if (code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, FULL_PIPE_MS);
    }
  }
}
