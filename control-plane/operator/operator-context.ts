import type { GatewayContext } from '../gateway/gateway-context.ts';
import type { OnlineKey } from './timestamp.ts';

/** What the operator API works with. */
export interface OperatorContext extends GatewayContext {
  readonly timestamping: OnlineKey;
  /** Called after a publication is durable. Must not throw. */
  onPublished(): void;
  /** Random bytes; a sequence that repeats in tests. */
  random(count: number): Buffer;
}
