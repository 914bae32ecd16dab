/**
 * A gate's state as text. Read is exactly what is written, to the last member: a state that is understood in part opens
 * nothing. Without a schema library, as an agent that waits has this in memory.
 */
import type { GateState } from './machine.ts';

type Shape = Readonly<Record<string, (value: unknown) => boolean>>;

const ORDER: Shape = {
  nonce: isText,
  envelope: isText,
  entrypoints: (value) => Array.isArray(value) && value.length > 0 && value.every(isText),
  notBeforeMs: isCount,
  expiresMs: isCount,
  leaseMs: isCount,
  maxOpenMs: isCount,
  graceMs: isCount,
  mayReopen: (value) => typeof value === 'boolean',
};
const INTERRUPTED: Shape = { order: has(ORDER), openedAtMs: isCount };
const CLOSED: Shape = { state: (value) => value === 'closed', reason: isText, epoch: isCount, seenMs: isCount };
const OPEN: Shape = {
  state: (value) => value === 'open',
  epoch: isCount,
  seenMs: isCount,
  order: has(ORDER),
  openedAtMs: isCount,
  renewedAtMs: isCount,
  freshUntilMs: isCount,
};
const SHAPES = [CLOSED, { ...CLOSED, interrupted: has(INTERRUPTED) }, OPEN];

export function encodeGateState(state: GateState): string {
  return JSON.stringify(state);
}

/** Undefined for anything that `encodeGateState` does not write. */
export function parseGateState(text: string): GateState | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!SHAPES.some((shape) => has(shape)(value)) || JSON.stringify(value) !== text) return undefined;
  return { interrupted: undefined, ...(value as object) } as GateState;
}

function has(shape: Shape): (value: unknown) => boolean {
  const members = Object.entries(shape);
  return (value) =>
    typeof value === 'object' &&
    value !== null &&
    Object.keys(value).length === members.length &&
    members.every(([name, isRight]) => Object.hasOwn(value, name) && isRight((value as Record<string, unknown>)[name]));
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
