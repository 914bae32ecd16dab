/** `keyturn gaps`: what was left unproven, who owns it, how it is closed, and until when people do without. */
import type { Command } from 'commander';
import { withControlPlane } from '../connection.ts';
import { instantText } from '../instant-text.ts';
import { listingLines } from '../listing.ts';
import { outputOf } from '../output.ts';
import { fetchRun } from '../run-ledger.ts';

/** Of what stands on each host: a later run's evidence closes a gap of an earlier one. */
const STANDING = ['proven', 'held'];

export async function listGaps(command: Command): Promise<void> {
  const { host = '' } = command.opts<{ host?: string }>();
  const gaps = await withControlPlane(command, 'viewer', async (publisher) => {
    const { runs } = await publisher.client.listRuns({ host, limit: 0 });
    const standing = new Map<string, string>();
    for (const { runId, host: on, app, version, phase } of runs) {
      const key = `${on} ${app} ${version}`;
      if (STANDING.includes(phase) && !standing.has(key)) standing.set(key, runId);
    }
    const rows = [];
    for (const runId of standing.values()) {
      const { run, ledger } = await fetchRun(runId, publisher);
      for (const gap of ledger?.summary.subGaps ?? []) {
        const state = stateOf(gap.accepted, gap.expiresAt);
        rows.push({ run: runId, host: run.host, release: `${run.app}@${run.version}`, state, ...gap });
      }
    }
    return rows;
  });
  outputOf(command).result({ gaps }, () =>
    listingLines(
      gaps.map(({ id, release, host, state, owner, route, expiresAt, waivedBy, run }) => [
        id,
        state,
        `${release} on ${host}`,
        `owner ${owner}`,
        waivedBy ? `waived by ${waivedBy.join(', ')}` : `route: ${route}`,
        expiresAt === undefined ? 'no end' : `until ${instantText(Date.parse(expiresAt))}`,
        run,
      ]),
      'no sub-gap is open',
    ),
  );
}

function stateOf(isAccepted: boolean, expiresAt: string | undefined): 'open' | 'accepted' | 'expired' {
  if (!isAccepted) return 'open';
  return expiresAt !== undefined && Date.now() < Date.parse(expiresAt) ? 'accepted' : 'expired';
}
