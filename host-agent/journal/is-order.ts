/** Which directives are orders to a gate: they are followed beside the runs, not behind them. */
import { directiveCodec } from '../../shared/rpc/definitions.ts';
import type { Directive } from '../../shared/rpc/generated/messages.ts';

const ORDERS: ReadonlySet<string> = new Set(['enable', 'kill', 'runLive']);

export function isOrder(bytes: Uint8Array): boolean {
  return ORDERS.has(kindOf(bytes) ?? '');
}

/** Undefined for what this agent does not understand; whoever follows it refuses it. */
function kindOf(bytes: Uint8Array): Directive['kind'] {
  try {
    return directiveCodec.decode(bytes).kind;
  } catch {
    return undefined; // what is wrong with it is said where it is refused
  }
}
