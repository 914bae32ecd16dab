/** A decision as a file: nothing of it is trusted, and what is read is exactly what was written. */
import { expect } from 'chai';
import fc from 'fast-check';
import { LIMITS } from '../../../shared/limits.ts';
import {
  type DecisionRequest,
  decisionId,
  encodeDecision,
  envelopeOf,
  parseDecision,
  withSignature,
} from '../../../shared/orders/decision-request.ts';
import { decisionTitle } from '../../../shared/orders/decision-title.ts';
import { encodeEnableOrder } from '../../../shared/orders/enable-order.ts';
import { encodeKillRecord, type KillRecord, readKillRecord } from '../../../shared/orders/kill-record.ts';
import { parseEnvelope, verifyApprovals } from '../../../shared/trust/dsse.ts';
import { keyedApprovers } from '../../../shared/trust/policy.ts';
import { STATEMENT_PAYLOAD_TYPE } from '../../../shared/trust/statement.ts';
import { LEAVES, NOW_MS, orderOf, PEOPLE, policyOf, sign } from '../../support/enable-world.ts';
import { codeThrownBy } from '../../support/rejection-of.ts';

const PAYLOAD = encodeEnableOrder(orderOf());
const REQUEST: DecisionRequest = {
  kind: 'enable',
  payload: PAYLOAD,
  signatures: [],
  leaves: LEAVES,
  bundles: [
    {
      host: 'contabo',
      run: '01JD0000000000000000000000',
      bundle: {
        entries: [Buffer.from('one'), Buffer.from('two')],
        head: Buffer.from('head'),
        hostPublicKey: 'key',
        statement: Buffer.from('statement'),
        plan: Buffer.from('plan'),
        buildRecord: Buffer.from('record'),
        policy: Buffer.from('policy'),
      },
    },
  ],
};

function signatureOf(name: keyof typeof PEOPLE) {
  const [signature] = parseEnvelope(sign(PAYLOAD, [PEOPLE[name].key])).signatures;
  return { keyid: PEOPLE[name].key.keyId, sig: signature?.signature ?? Buffer.alloc(0) };
}

describe('shared/orders/decision-request', () => {
  it('is read as it was written', () => {
    expect(parseDecision(encodeDecision(REQUEST))).to.deep.equal(REQUEST);
  });

  it('is called by what is signed, whoever has signed so far', () => {
    expect(decisionId(withSignature(REQUEST, signatureOf('anna')))).to.equal(decisionId(REQUEST));
  });

  it('makes an envelope that counts everybody who signed, each once', () => {
    const signed = ['anna', 'bela', 'anna'] as const;
    const request = signed.map(signatureOf).reduce(withSignature, REQUEST);
    expect(request.signatures).to.have.length(2);
    const { approvals } = verifyApprovals(parseEnvelope(envelopeOf(request)), keyedApprovers(policyOf()), {
      payloadType: STATEMENT_PAYLOAD_TYPE,
    });
    expect(approvals.map(({ approver }) => approver.holder)).to.have.members(['anna', 'bela']);
  });

  it('keeps a signature that another one claims to be: a key id is a hint', () => {
    const impostor = { ...signatureOf('bela'), keyid: PEOPLE.anna.key.keyId };
    expect(withSignature(withSignature(REQUEST, signatureOf('anna')), impostor).signatures).to.have.length(2);
  });

  it('has no envelope as long as nobody has signed', () => {
    expect(() => envelopeOf(REQUEST)).to.throw(RangeError);
  });

  it('has a title that says what it is about', () => {
    expect(decisionTitle(REQUEST)).to.equal('enable iu-cutter@0.6 on 21 hosts: the cut of November');
    expect(codeThrownBy(() => decisionTitle({ ...REQUEST, payload: Buffer.from('{}') }))).to.equal(
      'decision-malformed',
    );
  });

  const changed = (change: object) =>
    Buffer.from(JSON.stringify({ ...JSON.parse(encodeDecision(REQUEST).toString()), ...change }));
  const refused: Readonly<Record<string, readonly [Buffer, string]>> = {
    'is no JSON': [Buffer.from('enable please'), 'decision-malformed'],
    'has a member too many': [changed({ more: 1 }), 'decision-malformed'],
    'is of another version': [changed({ schema: 'keyturn.decision/v2' }), 'decision-malformed'],
    'is of no kind': [changed({ kind: 'delete' }), 'decision-malformed'],
    'has a payload that is no base64': [changed({ payload: '%' }), 'decision-malformed'],
    'has a leaf with a member too many': [changed({ leaves: [{ ...LEAVES[0], more: 1 }] }), 'decision-malformed'],
    'has an epoch below zero': [changed({ leaves: [{ ...LEAVES[0], epoch: -1 }] }), 'decision-malformed'],
    'is larger than a message may be': [Buffer.alloc(LIMITS.decisionBytes + 1, 0x20), 'decision-too-large'],
  };
  for (const [title, [bytes, code]] of Object.entries(refused)) {
    it(`is refused when it ${title}`, () => expect(codeThrownBy(() => parseDecision(bytes))).to.equal(code));
  }
});

describe('shared/orders/kill-record', () => {
  const RECORD: KillRecord = {
    from: 'session',
    app: 'iu-cutter',
    hosts: [],
    reason: 'smoke',
    by: 'olga',
    atMs: NOW_MS,
  };

  for (const record of [RECORD, { ...RECORD, from: 'host', hosts: ['contabo'] } as const]) {
    it(`from the ${record.from} is read as it was written`, () => {
      expect(readKillRecord(encodeKillRecord(record))).to.deep.equal(record);
    });
  }

  for (const [title, change] of Object.entries({
    'without a reason': { reason: '' },
    'of no application': { app: '../etc' },
    'by nobody': { by: '' },
    'with an endless reason': { reason: 'x'.repeat(2_001) },
  })) {
    it(`cannot be one ${title}`, () => {
      expect(codeThrownBy(() => encodeKillRecord({ ...RECORD, ...change }))).to.equal('kill-malformed');
    });
  }

  it('is nothing else: whatever bytes there are, they are a record or none', () => {
    expect(readKillRecord(sign(PAYLOAD))).to.equal(undefined);
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => readKillRecord(bytes) === undefined));
  });
});
