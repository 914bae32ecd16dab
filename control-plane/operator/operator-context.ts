import type { OpenCalls } from '../authority/open-calls.ts';
import type { GatewayContext } from '../gateway/gateway-context.ts';
import type { TransparencyLog } from '../transparency/transparency-log.ts';
import type { OnlineKey } from './timestamp.ts';

/** What the operator API works with. */
export interface OperatorContext extends GatewayContext {
  readonly timestamping: OnlineKey;
  readonly log: TransparencyLog;
  /** By the serial of the caller's certificate. */
  readonly operatorCalls: OpenCalls;
  /** Called after a publication is durable. Must not throw. */
  onPublished(): void;
  /** Random bytes; a sequence that repeats in tests. */
  random(count: number): Buffer;
}
