/** The run that proved a release on a host, verified and judged on this machine. */
import { RejectedError } from '../../shared/errors.ts';
import type { LedgerBundle, VerifiedLedger } from '../../shared/ledger/ledger-bundle.ts';
import type { Run } from '../../shared/rpc/generated/messages.ts';
import type { Publisher } from './publication.ts';
import type { ReleaseName } from './release-name.ts';
import { fetchLedgerBundle, readFetched } from './run-ledger.ts';

export interface StandingRun {
  readonly run: Run;
  readonly ledger: VerifiedLedger;
  /** The same as it came, to be carried along. */
  readonly bundle: LedgerBundle;
}

/**
 * Of the run that stands: the newest that is proven, as a later attempt finds its target taken and changes nothing; where none
 * is, of the newest. Errors: `release-not-deployed`, `run-not-admitted`, those of `fetchLedgerBundle` and `readFetched`.
 */
export async function standingRun(
  publisher: Publisher,
  { release: { app, version }, host }: { release: ReleaseName; host: string },
): Promise<StandingRun> {
  const { runs } = await publisher.client.listRuns({ host, limit: 0 });
  const ofRelease = runs.filter((run) => run.app === app && run.version === version);
  const standing = ofRelease.find(({ phase }) => phase === 'proven') ?? ofRelease[0];
  if (!standing) {
    throw new RejectedError(
      'release-not-deployed',
      `failed to judge ${app}@${version}: it was never deployed to "${host}"`,
      {
        hint: `keyturn deploy ${app}@${version} --host ${host} --watch`,
      },
    );
  }
  const { run, bundle } = await fetchLedgerBundle(standing.runId, publisher);
  if (bundle) return { run, bundle, ledger: readFetched(run, { bundle, home: publisher.home }) };
  throw new RejectedError(
    'run-not-admitted',
    `failed to judge ${app}@${version}: "${host}" has not admitted run ${run.runId}`,
  );
}
