/** What an approver is shown is what the signature covers, or nothing is shown. */
import { expect } from 'chai';
import { type DecisionMaterial, enableDecision } from '../../../../control-plane/cli/decision-text/enable-decision.ts';
import { sha256 } from '../../../../shared/digest.ts';
import { bareLeaf, leafOf, ledgerOf, orderFor } from '../../../support/decision-fixture.ts';
import { codeThrownBy } from '../../../support/rejection-of.ts';

const contabo = ledgerOf('contabo');
const hetzner = ledgerOf('hetzner');
const LEAVES = [leafOf(contabo), leafOf(hetzner), bareLeaf('vps-3')];
const HONEST: DecisionMaterial = { order: orderFor(LEAVES), leaves: LEAVES, ledgers: [contabo, hetzner] };
const [ofContabo, ofHetzner, ofVps] = LEAVES as [(typeof LEAVES)[0], (typeof LEAVES)[0], (typeof LEAVES)[0]];
const withLeaves = (leaves: typeof LEAVES, ledgers = HONEST.ledgers) => ({ order: orderFor(leaves), leaves, ledgers });

describe('control-plane/cli/decision-text/enable-decision', () => {
  it('puts ledgers beside their hosts, and nothing beside a host without', () => {
    const { hosts, plan } = enableDecision({ ...HONEST, leaves: [...LEAVES].reverse() });
    expect(hosts.map(({ leaf, ledger }) => [leaf.host, ledger])).to.deep.equal([
      ['contabo', contabo],
      ['hetzner', hetzner],
      ['vps-3', undefined],
    ]);
    expect(plan).to.equal(contabo.plan);
    expect(enableDecision({ ...HONEST, ledgers: [] }).plan).to.equal(undefined);
  });

  const REFUSED: Readonly<Record<string, readonly [Partial<DecisionMaterial>, string]>> = {
    'a host was left out': [{ leaves: [ofContabo, ofHetzner] }, 'evidence-not-in-order'],
    'a host was added': [{ leaves: [...LEAVES, bareLeaf('vps-4')] }, 'evidence-not-in-order'],
    'a host stands there twice': [{ leaves: [ofContabo, ofContabo, ofHetzner] }, 'evidence-not-in-order'],
    'there is no host': [{ leaves: [] }, 'evidence-not-in-order'],
    'a leaf has another epoch': [{ leaves: [ofContabo, ofHetzner, { ...ofVps, epoch: 4 }] }, 'evidence-not-in-order'],
    'a leaf has another head': [
      { leaves: [{ ...ofContabo, head: sha256('x') }, ofHetzner, ofVps] },
      'evidence-not-in-order',
    ],
    'a ledger is of a host that the order leaves out': [
      { ledgers: [contabo, ledgerOf('vps-4')] },
      'evidence-not-in-order',
    ],
    'a ledger has grown since': [
      withLeaves([{ ...ofContabo, head: sha256('an earlier entry') }, ofHetzner, ofVps]),
      'evidence-differs',
    ],
    'a ledger is of another run of the host': [
      withLeaves([{ ...ofContabo, run: 'run-8' }, ofHetzner, ofVps]),
      'evidence-differs',
    ],
    'the order is for another version': [{ order: orderFor(LEAVES, { version: '0.7' }) }, 'order-for-another-release'],
    'the order is for another application': [
      { order: orderFor(LEAVES, { app: 'iu-cutter2' }) },
      'order-for-another-release',
    ],
    'the order is for another tree': [{ order: orderFor(LEAVES, { treeDigest: sha256('other') }) }, 'tree-differs'],
    'the order opens an entrypoint that is not in the plan': [
      { order: orderFor(LEAVES, { entrypoints: ['live', 'sweep'] }) },
      'entrypoint-not-in-plan',
    ],
    'the order opens an entrypoint that is not live': [
      { order: orderFor(LEAVES, { entrypoints: ['dryrun'] }) },
      'entrypoint-not-in-plan',
    ],
  };
  it('has at least fourteen ways to be wrong', () => {
    expect(Object.keys(REFUSED).length).to.be.at.least(14);
  });
  for (const [what, [change, code]] of Object.entries(REFUSED)) {
    it(`shows nothing when ${what}`, () => {
      expect(codeThrownBy(() => enableDecision({ ...HONEST, ...change }))).to.equal(code);
    });
  }

  it('shows nothing when two hosts have proven what was signed as two releases', () => {
    const other = ledgerOf('hetzner', { preserve: ['something-else'] });
    const leaves = [ofContabo, leafOf(other)];
    const material = { order: orderFor(leaves), leaves, ledgers: [contabo, other] };
    expect(codeThrownBy(() => enableDecision(material))).to.equal('evidence-of-two-releases');
  });
});
