/** What an approver is told that is new since the last time, line by line. */
import { expect } from 'chai';
import {
  type ApprovalRecord,
  approvalRecordOf,
  type RecordedHost,
} from '../../../../control-plane/cli/decision-text/approval-record.ts';
import { changesSince } from '../../../../control-plane/cli/decision-text/changes-since.ts';
import { sha256 } from '../../../../shared/digest.ts';
import { decisionOf, GAP, ledgerOf } from '../../../support/decision-fixture.ts';
import { MINUTE_MS, NOW_MS } from '../../../support/enable-world.ts';

const RUNS = { argv: ['python3', '-m', 'cutter', 'live'], network: false, writable: ['/srv/a'] };
const hostOf = (host: string, change: Partial<RecordedHost> = {}): RecordedHost => ({
  host,
  head: sha256(host),
  epoch: 3,
  subGaps: ['SUBGAP-G6-DRY: no database'],
  ...change,
});
const RECORD: ApprovalRecord = {
  schema: 'keyturn.approval-record/v1',
  approvedAtMs: NOW_MS,
  app: 'iu-cutter',
  version: '0.6',
  treeDigest: sha256('tree'),
  entrypoints: [{ name: 'live', runs: RUNS }],
  windowMs: 60 * MINUTE_MS,
  leaseMs: 10 * MINUTE_MS,
  hostCount: 2,
  hosts: [hostOf('contabo'), hostOf('hetzner')],
};
const SINCE = 'since the approval of 2026-11-22T12:00:00.000Z:';

function changes(change: Partial<ApprovalRecord>, before: Partial<ApprovalRecord> = {}): string[] {
  return changesSince({ ...RECORD, ...before }, { ...RECORD, approvedAtMs: NOW_MS + 1, ...change });
}

const withHosts = (...hosts: RecordedHost[]) => ({ hosts, hostCount: hosts.length });
const running = (change: Partial<typeof RUNS>) => ({ entrypoints: [{ name: 'live', runs: { ...RUNS, ...change } }] });

const NEW: Readonly<
  Record<string, readonly [now: Partial<ApprovalRecord>, lines: readonly string[], before?: Partial<ApprovalRecord>]>
> = {
  'another release': [
    { version: '0.7', treeDigest: sha256('other') },
    ['  release: 0.6 -> 0.7', `  tree: ${sha256('tree')} -> ${sha256('other')}`],
  ],
  'another release of the same tree': [{ version: '0.7' }, ['  release: 0.6 -> 0.7']],
  'another tree under the same version': [
    { treeDigest: sha256('other') },
    [`  tree: ${sha256('tree')} -> ${sha256('other')}, although the version is the same`],
  ],
  'another command line': [
    running({ argv: ['python3', '-m', 'cutter', 'live', '--all'] }),
    ['  entrypoint live: argv ["python3","-m","cutter","live"] -> ["python3","-m","cutter","live","--all"]'],
  ],
  'an argument that cannot be seen': [
    running({ argv: ['python3', '-m', 'cutter', 'live\u200b'] }),
    ['  entrypoint live: argv ["python3","-m","cutter","live"] -> ["python3","-m","cutter","live\\u{200b}"]'],
  ],
  'the same words cut in another way': [
    running({ argv: ['python3', '-m', 'cutter live'] }),
    ['  entrypoint live: argv ["python3","-m","cutter","live"] -> ["python3","-m","cutter live"]'],
  ],
  'the network': [running({ network: true }), ['  entrypoint live: network no -> yes']],
  'writable paths': [
    running({ writable: ['/srv/a', '/srv/b'] }),
    ['  entrypoint live: writable paths ["/srv/a"] -> ["/srv/a","/srv/b"]'],
  ],
  'two paths out of one with a comma': [
    running({ writable: ['/srv/a', '/srv/b'] }),
    ['  entrypoint live: writable paths ["/srv/a, /srv/b"] -> ["/srv/a","/srv/b"]'],
    running({ writable: ['/srv/a, /srv/b'] }),
  ],
  'no writable paths any more': [running({ writable: [] }), ['  entrypoint live: writable paths ["/srv/a"] -> none']],
  'another entrypoint instead': [
    { entrypoints: [{ name: 'sweep', runs: { ...RUNS, argv: ['sweep'] } }] },
    ['  entrypoint new: sweep: ["sweep"]', '  entrypoint gone: live'],
  ],
  'an entrypoint of which nothing is known': [
    { entrypoints: [...RECORD.entrypoints, { name: 'sweep' }] },
    ['  entrypoint new: sweep: not known'],
  ],
  'an entrypoint of which nothing is known any more': [
    { entrypoints: [{ name: 'live' }] },
    ['  entrypoint live: what it runs is not known now'],
  ],
  'an entrypoint of which nothing was known': [
    {},
    ['  entrypoint live: what it runs was not known then'],
    { entrypoints: [{ name: 'live' }] },
  ],
  'a longer window and a longer lease': [
    { windowMs: 120 * MINUTE_MS, leaseMs: 11 * MINUTE_MS },
    ['  window: 1 h -> 2 h, longer', '  lease: 10 min -> 11 min, longer'],
  ],
  'a shorter window and a shorter lease': [
    { windowMs: MINUTE_MS, leaseMs: 1 },
    ['  window: 1 h -> 1 min, shorter', '  lease: 10 min -> 1 ms, shorter'],
  ],
  'one host instead of another': [
    withHosts(hostOf('contabo'), hostOf('vps-3', { subGaps: [] })),
    ['  hosts new: 1 host: vps-3', '  hosts gone: 1 host: hetzner'],
  ],
  'other evidence': [
    withHosts(hostOf('contabo', { head: sha256('x') }), hostOf('hetzner', { head: sha256('y') })),
    ['  evidence with another head: 2 hosts: contabo, hetzner'],
  ],
  'evidence that is not carried any more': [
    withHosts(hostOf('contabo', { subGaps: undefined }), hostOf('hetzner')),
    ['  evidence not carried any more: 1 host: contabo'],
  ],
  'evidence that was not carried': [
    {},
    [
      '  evidence not carried then: 1 host: contabo',
      '  sub-gap new on 1 host, first contabo: SUBGAP-G6-DRY: no database',
    ],
    withHosts(hostOf('contabo', { subGaps: undefined }), hostOf('hetzner')),
  ],
  'a kill in between': [
    withHosts(hostOf('contabo', { epoch: 4 }), hostOf('hetzner')),
    ['  killed in between, as the epoch is higher: 1 host: contabo'],
  ],
  'an epoch that went back': [
    withHosts(hostOf('contabo', { epoch: 2 }), hostOf('hetzner')),
    ['  epoch lower than then, which no gate does: 1 host: contabo'],
  ],
  'sub-gaps': [
    withHosts(
      hostOf('contabo', { subGaps: ['SUBGAP-G5-UNIT: a\nb'] }),
      hostOf('hetzner', { subGaps: ['SUBGAP-G5-UNIT: a\nb'] }),
    ),
    [
      '  sub-gap new on 2 hosts, first contabo: SUBGAP-G5-UNIT: a\\nb',
      '  sub-gap gone on 2 hosts, first contabo: SUBGAP-G6-DRY: no database',
    ],
  ],
  'a sub-gap of a new host': [
    withHosts(hostOf('contabo'), hostOf('hetzner'), hostOf('vps-3')),
    ['  hosts new: 1 host: vps-3', '  sub-gap new on 1 host, first vps-3: SUBGAP-G6-DRY: no database'],
  ],
  'hosts too many to be remembered': [
    { hostCount: 100_000 },
    ['  hosts: 99999 -> 100000, too many to be remembered and compared'],
    { hosts: undefined, hostCount: 99_999 },
  ],
};

describe('control-plane/cli/decision-text/changes-since', () => {
  it('says that it is the first time', () => {
    expect(changesSince(undefined, RECORD)).to.deep.equal([
      'this key has approved nothing of iu-cutter on this machine before',
    ]);
  });

  it('says that nothing has changed', () => {
    expect(changes({})).to.deep.equal(['nothing has changed since the approval of 2026-11-22T12:00:00.000Z']);
  });

  it('knows at least twenty-five changes', () => {
    expect(Object.keys(NEW).length).to.be.at.least(25);
  });
  for (const [what, [now, lines, before]] of Object.entries(NEW)) {
    it(`tells of ${what}, and of nothing else`, () => {
      expect(changes(now, before)).to.deep.equal([SINCE, ...lines]);
    });
  }

  it('compares what two real decisions are remembered as', () => {
    const accept = [{ gate: 'G6', checkKind: 'dryrun', owner: 'Ada', route: 'ticket 7', maxAgeDays: 30 }];
    const before = decisionOf([ledgerOf('contabo')], { bare: ['vps-3'] });
    const present = decisionOf([ledgerOf('contabo', { results: { dry: GAP }, accept })], {
      change: { expiresMs: NOW_MS + 120 * MINUTE_MS, reason: 'another', nonce: sha256('b').slice(0, 32) },
      epoch: 4,
    });
    const record = approvalRecordOf(before, NOW_MS);
    expect(record).to.deep.include({ app: 'iu-cutter', version: '0.6', hostCount: 2, windowMs: 61 * MINUTE_MS });
    expect(record.entrypoints).to.deep.equal([{ name: 'live', runs: { ...RUNS, writable: [] } }]);
    expect(changesSince(record, approvalRecordOf(present, NOW_MS))).to.deep.equal([
      SINCE,
      '  window: 1 h 1 min -> 2 h 1 min, longer',
      '  hosts gone: 1 host: vps-3',
      '  evidence with another head: 1 host: contabo',
      '  killed in between, as the epoch is higher: 1 host: contabo',
      '  sub-gap new on 1 host, first contabo: SUBGAP-G6-DRY: no live database was reachable',
    ]);
  });
});
