import { expect } from 'chai';
import { diagnoseHosts } from '../../../../control-plane/cli/doctor/hosts.ts';
import type { Host } from '../../../../shared/rpc/generated/messages.ts';

const NOW = Date.parse('2026-11-22T10:00:00Z');
const HOUR_MS = 3600 * 1000;
const context = { now: NOW, command: (...words: readonly string[]) => ['keyturn', ...words].join(' ') };

const HOST: Host = {
  name: 'web-1',
  enrolledAtMs: NOW - 300 * HOUR_MS,
  revokedAtMs: 0,
  isConnected: true,
  lastSeenAtMs: NOW,
  clockAtMs: NOW,
  agentVersion: '0.1.0',
  ledgerPublicKey: '',
  refusedReportCount: 0,
  lastReportRefusal: '',
};

const ROWS: readonly (readonly [string, Partial<Host>, string | undefined, string | undefined])[] = [
  ['is connected', {}, undefined, undefined],
  ['is revoked, and gone', { revokedAtMs: NOW, isConnected: false, lastSeenAtMs: 0 }, undefined, undefined],
  [
    'was heard a day ago less a minute',
    { isConnected: false, lastSeenAtMs: NOW - 24 * HOUR_MS + 60_000 },
    'warning web-1: not connected, last seen 23 hours ago; on that host:',
    'keyturn-agent doctor',
  ],
  [
    'was heard a day ago',
    { isConnected: false, lastSeenAtMs: NOW - 24 * HOUR_MS },
    'trouble web-1: its certificate has expired, it was last heard 2026-11-21T10:00:00Z',
    'keyturn host token web-1',
  ],
  [
    'has joined and was never heard',
    { isConnected: false, lastSeenAtMs: 0, enrolledAtMs: NOW - HOUR_MS },
    'warning web-1: not connected, never seen since it joined; on that host:',
    'keyturn-agent doctor',
  ],
  [
    'has joined long ago and was never heard',
    { isConnected: false, lastSeenAtMs: 0 },
    'trouble web-1: its certificate has expired, it was last heard 2026-11-09T22:00:00Z',
    'keyturn host token web-1',
  ],
  [
    'has joined anew just now, long after it was heard last',
    { isConnected: false, lastSeenAtMs: NOW - 200 * HOUR_MS, enrolledAtMs: NOW - HOUR_MS },
    'warning web-1: not connected, last seen 8 days ago; on that host:',
    'keyturn-agent doctor',
  ],
  [
    'has a token and never joined',
    { isConnected: false, lastSeenAtMs: 0, enrolledAtMs: 0 },
    'warning web-1: has never joined',
    'keyturn host token web-1',
  ],
  [
    'has sent reports that were refused',
    { refusedReportCount: 2, lastReportRefusal: 'ledger-contradicted' },
    'warning web-1: 2 of its reports were refused, the last as ledger-contradicted',
    undefined,
  ],
];

describe('diagnoseHosts', () => {
  it('is tried with at least nine hosts', () => expect(ROWS).to.have.length.of.at.least(9));
  for (const [title, host, expected, mend] of ROWS) {
    it(`finds ${expected ?? 'nothing'} where the host ${title}`, () => {
      const [, found] = diagnoseHosts([{ ...HOST, ...host }], context);
      expect(found && `${found.level} ${found.statement}`).to.equal(expected);
      expect(found?.mend).to.equal(mend);
    });
  }

  it('counts who is connected of those that are wanted', () => {
    const hosts = [HOST, { ...HOST, isConnected: false }, { ...HOST, revokedAtMs: 1, isConnected: false }];
    expect(diagnoseHosts(hosts, context)[0]).to.deep.equal({ level: 'ok', statement: '1 of 2 connected' });
  });

  it('names no more than twenty, the worst first', () => {
    const absent = Array.from({ length: 30 }, (_, index) => ({
      ...HOST,
      name: `web-${index}`,
      isConnected: false,
      lastSeenAtMs: index === 29 ? NOW - 48 * HOUR_MS : NOW,
    }));
    const found = diagnoseHosts(absent, context);
    expect(found).to.have.length(22);
    expect(found[1]?.statement).to.match(/^web-29: its certificate has expired/);
    expect(found.at(-1)).to.deep.equal({ level: 'warning', statement: 'and 10 more' });
  });
});
