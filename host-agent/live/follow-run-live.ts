/** A request from afar to start a live entrypoint: followed if the gate is open for it, and never twice. */
import { RejectedError } from '../../shared/errors.ts';
import type { RunLive } from '../../shared/rpc/generated/messages.ts';
import type { StoredDirective } from '../journal/directives.ts';
import type { LiveMeans } from './live-means.ts';
import { startLive } from './start-live.ts';

const LIVE_ID_PATTERN = /^[0-9A-HJKMNP-TV-Z]{26}$/;

/** Errors: `TransientError`, and the journal's; a refusal is no error. */
export async function followRunLive(
  { liveId, app, entrypoint }: RunLive,
  stored: StoredDirective,
  means: LiveMeans,
): Promise<void> {
  try {
    if (!LIVE_ID_PATTERN.test(liveId)) {
      throw new RejectedError('live-id-malformed', `refused to run live: expected ${LIVE_ID_PATTERN}`);
    }
    const { ended } = await startLive({ live: liveId, app, entrypoint }, means, () => means.settle(stored, undefined));
    ended.catch((error: unknown) => means.onLiveTrouble(error));
  } catch (error) {
    if (!(error instanceof RejectedError) || error.code === 'journal-corrupt') throw error;
    means.database.transaction(() => means.settle(stored, error.code))();
    means.outbox.announce();
    means.onRefused(stored, error);
  }
}
