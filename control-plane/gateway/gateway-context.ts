import type { OrderReceipt } from '../../shared/rpc/generated/messages.ts';
import type { Clock } from '../../shared/time/clock.ts';
import type { CertificateAuthority } from '../authority/certificate-authority.ts';
import type { BlobStore } from '../blobs/blob-store.ts';
import type { ChunkLists } from '../blobs/chunk-lists.ts';
import type { Store } from '../store/schema.ts';
import type { HostSessions } from './host-sessions.ts';
import type { RunNews } from './run-news.ts';

/** What the gateway works with. */
export interface GatewayContext {
  readonly store: Store;
  readonly blobs: BlobStore;
  readonly chunkLists: ChunkLists;
  readonly authority: CertificateAuthority;
  readonly clock: Clock;
  readonly sessions: HostSessions;
  readonly news: RunNews;
  /** Called after what a host answered is durable. Must not throw. */
  onReceipt(receipt: OrderReceipt): void;
  /** Called after a host has admitted an order that it had to refuse, once that is durable. Must not throw. */
  onAlarm(host: string): void;
  /** Called after a run has durably entered an end phase, or its report was recorded. Must not throw. */
  onRunSettled(runId: string): void;
  /** Hears of every failed call. */
  onError(method: string, error: unknown): void;
}
