/** Which hosts are new or gone, and on which the evidence, the epoch or a sub-gap is another. Pure. */
import type { ApprovalRecord, RecordedHost } from './approval-record.ts';
import { hostCountText, namedHostsText } from './plain-words.ts';

interface StayingHost {
  readonly before: RecordedHost;
  readonly present: RecordedHost;
}

export function hostChanges(previous: ApprovalRecord, present: ApprovalRecord): string[] {
  if (!previous.hosts || !present.hosts) {
    return [`hosts: ${previous.hostCount} -> ${present.hostCount}, too many to be remembered and compared`];
  }
  const then = new Map(previous.hosts.map((host) => [host.host, host]));
  const now = new Set(present.hosts.map(({ host }) => host));
  const staying = present.hosts.flatMap((host) => {
    const before = then.get(host.host);
    return before ? [{ before, present: host }] : [];
  });
  return [
    ...named(
      'hosts new',
      present.hosts.filter(({ host }) => !then.has(host)),
    ),
    ...named(
      'hosts gone',
      previous.hosts.filter(({ host }) => !now.has(host)),
    ),
    ...evidenceChanges(staying),
    ...subGapChanges(then, present.hosts),
  ];
}

function evidenceChanges(staying: readonly StayingHost[]): string[] {
  const where = (what: string, isSo: (host: StayingHost) => boolean) =>
    named(
      what,
      staying.filter(isSo).map((host) => host.present),
    );
  return [
    ...where('evidence with another head', ({ before, present }) => before.head !== present.head),
    ...where(
      'evidence not carried any more',
      ({ before, present }) => before.subGaps !== undefined && !present.subGaps,
    ),
    ...where('evidence not carried then', ({ before, present }) => !before.subGaps && present.subGaps !== undefined),
    ...where('killed in between, as the epoch is higher', ({ before, present }) => before.epoch < present.epoch),
    ...where('epoch lower than then, which no gate does', ({ before, present }) => before.epoch > present.epoch),
  ];
}

/** On a host whose sub-gaps were not known, all are new. */
function subGapChanges(then: ReadonlyMap<string, RecordedHost>, present: readonly RecordedHost[]): string[] {
  const [added, gone] = [new Map<string, RecordedHost[]>(), new Map<string, RecordedHost[]>()];
  for (const host of present) {
    if (!host.subGaps) continue;
    const before = then.get(host.host)?.subGaps ?? [];
    for (const gap of host.subGaps) if (!before.includes(gap)) gather(added, gap, host);
    for (const gap of before) if (!host.subGaps.includes(gap)) gather(gone, gap, host);
  }
  return [...gapLines('sub-gap new', added), ...gapLines('sub-gap gone', gone)];
}

function gather(groups: Map<string, RecordedHost[]>, gap: string, host: RecordedHost): void {
  const group = groups.get(gap);
  if (group) group.push(host);
  else groups.set(gap, [host]);
}

/** The hosts stand in front: the statement is somebody else's text. */
function gapLines(what: string, groups: ReadonlyMap<string, readonly RecordedHost[]>): string[] {
  return [...groups].map(
    ([gap, hosts]) => `${what} on ${hostCountText(hosts.length)}, first ${hosts[0]?.host}: ${gap}`,
  );
}

function named(what: string, hosts: readonly RecordedHost[]): string[] {
  return hosts.length === 0 ? [] : [`${what}: ${namedHostsText(hosts.map(({ host }) => host))}`];
}
