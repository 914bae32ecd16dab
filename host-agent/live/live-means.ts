import type { SecretSource } from '../checks/observe.ts';
import type { OrderMeans } from '../orders/order-means.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';
import type { GateSocket } from './gate-socket.ts';
import type { LiveRegistry } from './live-registry.ts';
import type { LiveStore } from './live-store.ts';

/** What starting a live process takes. */
export interface LiveMeans extends OrderMeans {
  readonly registry: LiveRegistry;
  readonly lives: LiveStore;
  readonly secrets: SecretSource;
  /** Undefined where the host has no bubblewrap: then nothing runs live. */
  readonly sandbox: Sandbox | undefined;
  readonly socket: GateSocket;
  readonly encodeLiveReport: (report: { liveId: string; envelope: Buffer }) => Uint8Array;
  /** The end of a live process could not be made durable. */
  readonly onLiveTrouble: (error: unknown) => void;
}
