/**
 * What root asks the agent of this host, and what the agent says: each a line of JSON. Read is exactly what is written, to the
 * last member, and without a schema library, as an agent that waits has this in memory.
 */
import type { RejectionCode } from '../../shared/errors.ts';
import type { LiveRunRecord } from '../../shared/orders/live-run.ts';
import { APP_PATTERN, NAME_PATTERN } from '../../shared/release/names.ts';

export interface KillRequest {
  readonly do: 'kill';
  /** Every application that the host knows, where it is left out. */
  readonly app?: string;
  readonly reason: string;
  /** Who asks: a name, and nothing that proves it. */
  readonly by: string;
}

/** No argument, path or name beside these: what runs is the signed plan's. */
export interface ExecRequest {
  readonly do: 'exec';
  readonly app: string;
  readonly entrypoint: string;
}

/** An order that was carried here in a file. */
export interface ApplyRequest {
  readonly do: 'apply';
  readonly path: string;
  /** For how long its trust metadata may have run out; not at all where it is left out. */
  readonly maxAgeDays?: number;
}

export type LocalRequest = KillRequest | ExecRequest | ApplyRequest;

export type LocalAnswer =
  /** The gate is closed and its epoch raised, and that is durable. */
  | { readonly said: 'killed'; readonly app: string; readonly epoch: number }
  /** Nothing of the application runs any more. */
  | { readonly said: 'stopped'; readonly app: string }
  | { readonly said: 'started'; readonly record: LiveRunRecord }
  | { readonly said: 'ended'; readonly record: LiveRunRecord }
  /** `receipt` and `order` in base64; `failure` is why the order was refused. */
  | {
      readonly said: 'applied';
      readonly app: string;
      readonly receipt: string;
      readonly order: string;
      readonly trustAgeMs: number;
      readonly failure?: LocalFailure;
    }
  | LocalFailure
  /** Nothing more follows: without it an answer has been cut off. */
  | { readonly said: 'done' };

export interface LocalFailure {
  readonly said: 'failed';
  /** Which application it is about, where others were asked for too. */
  readonly app?: string;
  /** Of a refusal; left out when something was in the way. */
  readonly code?: RejectionCode;
  readonly message: string;
  readonly hint?: string;
}

export const REQUEST_BYTES = 64 * 1024;
export const REASON_CHARACTERS = 2_000;
export const NAME_CHARACTERS = 253;
export const PATH_CHARACTERS = 4_096;
export const MOST_AGE_DAYS = 366;

export function encodeLine(message: LocalRequest | LocalAnswer): string {
  return `${JSON.stringify(message)}\n`;
}

/** Undefined for whatever is no request. Never throws. */
export function parseRequest(line: string): LocalRequest | undefined {
  const value = parsed(line);
  if (typeof value !== 'object' || value === null) return undefined;
  const request = value as Readonly<Record<string, unknown>>;
  const members = Object.hasOwn(MEMBERS, String(request.do)) ? MEMBERS[request.do as LocalRequest['do']] : undefined;
  if (!members || Object.keys(request).some((name) => !Object.hasOwn(members, name))) return undefined;
  return Object.entries(members).every(([name, holds]) => holds(request[name])) ? (value as LocalRequest) : undefined;
}

type Members = Readonly<Record<string, (value: unknown) => boolean>>;

const MEMBERS: { readonly [R in LocalRequest['do']]: Members } = {
  kill: {
    do: isText(10),
    app: (value) => value === undefined || isMatch(APP_PATTERN)(value),
    reason: isText(REASON_CHARACTERS),
    by: isText(NAME_CHARACTERS),
  },
  exec: { do: isText(10), app: isMatch(APP_PATTERN), entrypoint: isMatch(NAME_PATTERN) },
  apply: {
    do: isText(10),
    path: (value) => isText(PATH_CHARACTERS)(value) && isMatch(/^\//)(value),
    maxAgeDays: (value) => value === undefined || isDays(value),
  },
};

function isDays(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= MOST_AGE_DAYS;
}

function isText(most: number): (value: unknown) => boolean {
  return (value) => typeof value === 'string' && value !== '' && value.length <= most;
}

function isMatch(pattern: RegExp): (value: unknown) => boolean {
  return (value) => typeof value === 'string' && pattern.test(value);
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined; // answered like everything else that is no request
  }
}
