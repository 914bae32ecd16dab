import { RejectedError } from '../../../shared/errors.ts';
import { type AnchorObservation, anchorKind } from '../../../shared/ledger/kinds/anchor.ts';
import { pathOnHost, readAnchorRepeatedly } from '../../install/anchor.ts';
import { type CheckContext, type Observe, observed } from '../observe.ts';
import { loadAnchorsBefore } from './check-facts.ts';

/** The station of the run that the others compare with. */
const FIRST_STATION = 'g3.anchors-before';

/** Reads each neighbour as often as asked, from disk; the first station of a run saves what it read. */
export const observeAnchor: Observe = async (context) => {
  const { check, facts } = context;
  const before = loadAnchorsBefore(facts);
  if (isOwnLaterStation(context) && before === undefined) {
    throw new RejectedError('fact-missing', 'failed to compare anchors: this run has no "anchors-before" on record');
  }
  const anchors = await readAnchors(context, before ?? {});
  if (check.id === FIRST_STATION && before === undefined) facts.save('anchors-before', firstDigests(anchors));
  return observed({ anchors } satisfies AnchorObservation);
};

async function readAnchors(
  { check, places, signal }: CheckContext,
  before: Readonly<Record<string, string>>,
): Promise<AnchorObservation['anchors']> {
  const { paths, reads } = anchorKind.params.parse(check.params);
  const anchors: AnchorObservation['anchors'] = [];
  for (const path of paths) {
    const readings = await readAnchorRepeatedly(pathOnHost(places.rootPrefix, path), { reads, signal });
    const known = Object.hasOwn(before, path) ? before[path] : undefined;
    anchors.push({ path, reads: readings, ...(known !== undefined && { before: known }) });
  }
  return anchors;
}

/** A plan's own anchor check has no dot in its id, and may name paths that no station has read. */
function isOwnLaterStation({ check }: CheckContext): boolean {
  return check.id.includes('.') && check.id !== FIRST_STATION;
}

function firstDigests(anchors: AnchorObservation['anchors']): Record<string, string> {
  const digests = anchors.map(
    ({ path, reads: [first] }) => [path, first && 'digest' in first ? first.digest : undefined] as const,
  );
  return Object.fromEntries(digests.filter((row): row is [string, string] => row[1] !== undefined));
}
