/** The words that an approver reads, line by line. */
import { expect } from 'chai';
import type { EnableDecision } from '../../../../control-plane/cli/decision-text/enable-decision.ts';
import { enableLines } from '../../../../control-plane/cli/decision-text/enable-lines.ts';
import { killLines } from '../../../../control-plane/cli/decision-text/kill-lines.ts';
import { durationText, namedHostsText } from '../../../../control-plane/cli/decision-text/plain-words.ts';
import { sha256 } from '../../../../shared/digest.ts';
import { decisionOf, GAP, ledgerOf } from '../../../support/decision-fixture.ts';
import { MINUTE_MS, NOW_MS } from '../../../support/enable-world.ts';
import { PROMISED, saw } from '../../../support/ledger-fixture.ts';

const ACCEPTED = { gate: 'G6', checkKind: 'dryrun', owner: 'Ada', route: 'ticket 7', maxAgeDays: 365 };
const GREEN = 'G0 PASS, G1 PASS, G2 PASS, G3 PASS, G4 PASS, G5 PASS, G6 PASS, G7 PASS, G8 PASS';
const TREE = sha256('tree');
const NONCE = sha256('a nonce').slice(0, 32);

const ORDER = [
  '  reason: the cut of November',
  '  window: 2026-11-22T11:59:00.000Z to 2026-11-22T13:00:00.000Z, 1 h 1 min',
  '  lease: 10 min after a host was last in touch, its gate closes',
  `  tree: ${TREE}`,
  `  issued: 2026-11-22T11:59:00.000Z, nonce ${NONCE}`,
];
const headOf = (decision: EnableDecision, index = 0) => decision.hosts[index]?.leaf.head;

describe('control-plane/cli/decision-text of an enable order', () => {
  it('says what would run, where, from when to when, and what was proven there', () => {
    const decision = decisionOf([ledgerOf('contabo')], { bare: ['vps-3'] });
    expect(enableLines(decision, NOW_MS)).to.deep.equal([
      'open the execution gate of iu-cutter@0.6 on 2 hosts',
      ...ORDER,
      'what would run',
      '  live: ["python3","-m","cutter","live"]',
      '    network: no',
      '    writable paths: none',
      'what was proven, and where',
      '  contabo: verdict A: every gate passed',
      `    bound to: run run-contabo, head ${headOf(decision)}, epoch 3`,
      `    gates: ${GREEN}`,
      '    tests: g1.source-tests: 366 of 366 passed',
      '    tests: unit: 366 of 366 passed',
      '    ready: all of 29 criteria are met',
      '  vps-3: its evidence is not carried; nothing is known here of what was proven',
      `    bound to: run run-vps-3, head ${sha256('vps-3')}, epoch 3`,
    ]);
  });

  it('says of a sub-gap what was not proven, and until when the policy accepts it', () => {
    const decision = decisionOf([ledgerOf('contabo', { results: { dry: GAP }, accept: [ACCEPTED] })]);
    expect(enableLines(decision, NOW_MS).slice(11)).to.deep.equal([
      '  contabo: verdict B: passed, with sub-gaps that the policy accepts',
      `    bound to: run run-contabo, head ${headOf(decision)}, epoch 3`,
      `    gates: ${GREEN.replace('G6 PASS', 'G6 PARTIAL')}`,
      '    tests: g1.source-tests: 366 of 366 passed',
      '    tests: unit: 366 of 366 passed',
      '    not proven: SUBGAP-G6-DRY: no live database was reachable',
      '      accepted until 2027-05-21T09:00:00.000Z, owner Ada, route ticket 7',
      '    ready: all of 29 criteria are met',
    ]);
    const later = Date.parse('2027-05-22T00:00:00.000Z');
    expect(enableLines(decision, later).at(-1)).to.equal(
      '    NOT READY: G6 dry is PARTIAL: the accepted sub-gap ran out at 2027-05-21T09:00:00.000Z',
    );
  });

  it('says what is not ready, and which tests failed', () => {
    const tests = { runner: 'unittest', ran: 366, passed: 362, failed: 1, errors: 1, skipped: 2 };
    const results = { unit: saw('a failure', { tests }), dry: GAP };
    const decision = decisionOf([ledgerOf('contabo', { results })]);
    expect(enableLines(decision, NOW_MS).slice(11)).to.deep.equal([
      '  contabo: verdict C: failed',
      `    bound to: run run-contabo, head ${headOf(decision)}, epoch 3`,
      `    gates: ${GREEN.replace('G5 PASS', 'G5 FAIL').replace('G6 PASS', 'G6 PARTIAL')}`,
      '    tests: g1.source-tests: 366 of 366 passed',
      '    tests: unit: 362 of 366 passed, 1 failed, 1 in error, 2 skipped',
      '    not proven: SUBGAP-G6-DRY: no live database was reachable',
      '      not accepted by the policy, owner operations, route a run with the DSN',
      `    NOT READY: G5 unit is FAIL: what exec saw: expected ${PROMISED}, got a failure`,
      '    NOT READY: G6 dry is PARTIAL: sub-gap: no live database was reachable',
    ]);
  });

  it('counts no tests of a check that proves nothing', () => {
    const unsigned = saw(PROMISED, { tests: { ran: -1 } });
    const decision = decisionOf([ledgerOf('contabo', { results: { unit: unsigned } })]);
    expect(enableLines(decision, NOW_MS).filter((line) => line.includes('tests:'))).to.deep.equal([
      '    tests: g1.source-tests: 366 of 366 passed',
    ]);
  });

  it('does not claim to know what would run where no evidence is carried', () => {
    const lines = enableLines(decisionOf([], { bare: ['vps-3'] }), NOW_MS);
    expect(lines[0]).to.equal('open the execution gate of iu-cutter@0.6 on 1 host');
    expect(lines.slice(6, 8)).to.deep.equal(['what would run', '  live: not known, as no evidence is carried']);
  });

  it('says that the window is over, from its last instant on', () => {
    const decision = decisionOf([], { bare: ['vps-3'] });
    const windowAt = (nowMs: number) => enableLines(decision, nowMs)[2];
    expect(windowAt(NOW_MS + 60 * MINUTE_MS - 1)).to.equal(ORDER[1]);
    expect(windowAt(NOW_MS + 60 * MINUTE_MS)).to.equal(`${ORDER[1]}, which is over`);
  });

  it('shows argv, network, writable paths and stop gates as the plan has them', () => {
    const decision = decisionOf([ledgerOf('contabo')]);
    const plan = structuredClone(decision.plan);
    Object.assign(plan?.entrypoints.live ?? {}, {
      argv: ['sh', '-c', 'echo "a b"\n\u202e'],
      network: true,
      writable: ['/var/lib/a', '/srv/b'],
      stopGates: ['S1', 'S2'],
    });
    expect(enableLines({ ...decision, plan }, NOW_MS).slice(7, 11)).to.deep.equal([
      '  live: ["sh","-c","echo \\"a b\\"\\n\\u{202e}"]',
      '    network: yes',
      '    writable paths: ["/var/lib/a","/srv/b"]',
      '    stop gates: S1, S2',
    ]);
  });

  it('lets no text of others pass for a line of its own, or steer the terminal', () => {
    const reason = 'harmless\n  network: no\u001b[2J\u202e\u200b';
    const gap = { ...GAP, statement: 'nothing\r\nwhat would run', owner: 'a\u0000', route: '\u2066b' };
    const decision = decisionOf([ledgerOf('contabo', { results: { dry: gap } })], { change: { reason } });
    const lines = enableLines(decision, NOW_MS);
    expect(lines[1]).to.equal('  reason: harmless\\n  network: no\\u{1b}[2J\\u{202e}\\u{200b}');
    expect(lines).to.include('    not proven: SUBGAP-G6-DRY: nothing\\r\\nwhat would run');
    expect(lines).to.include('      not accepted by the policy, owner a\\u{0}, route \\u{2066}b');
    expect(lines.join('')).to.match(/^[ -~]*$/);
  });
});

describe('control-plane/cli/decision-text of a kill order', () => {
  const issuedAtMs = NOW_MS;

  it('says that every host is meant when none is named', () => {
    expect(killLines({ app: 'iu-cutter', hosts: undefined, issuedAtMs, reason: 'it cuts\nwrong' })).to.deep.equal([
      'close the execution gate of iu-cutter on every host',
      '  reason: it cuts\\nwrong',
      '  issued: 2026-11-22T12:00:00.000Z; it never expires',
      '  what runs is stopped, and no order to open that was signed before opens anything again',
    ]);
  });

  it('names the hosts that are meant, each', () => {
    const lines = killLines({ app: 'iu-cutter', hosts: ['contabo', 'vps\u202e'], issuedAtMs, reason: 'x' });
    expect([lines[0], ...lines.slice(-2)]).to.deep.equal([
      'close the execution gate of iu-cutter on 2 hosts',
      '  contabo',
      '  vps\\u{202e}',
    ]);
  });
});

describe('control-plane/cli/decision-text/plain-words', () => {
  it('says how long something is, to the millisecond', () => {
    const day = 24 * 60 * MINUTE_MS;
    const texts = [0, 1, 999, 1000, 90_000, 60 * MINUTE_MS, day + 1, 365 * day].map(durationText);
    expect(texts).to.deep.equal(['0 ms', '1 ms', '999 ms', '1 s', '1 min 30 s', '1 h', '1 d 1 ms', '365 d']);
  });

  it('names eight hosts and counts the others', () => {
    const hosts = Array.from({ length: 10 }, (_, index) => `h${index}`);
    expect(namedHostsText(hosts)).to.equal('10 hosts: h0, h1, h2, h3, h4, h5, h6, h7 and 2 more');
    expect(namedHostsText(hosts.slice(0, 8))).to.equal('8 hosts: h0, h1, h2, h3, h4, h5, h6, h7');
    expect(namedHostsText(['h0'])).to.equal('1 host: h0');
  });
});
