/** P2: what a host says of a live process, and what it gives that process to show, is believed from that host alone. */
import { expect } from 'chai';
import { encodeCanonical } from '../../../shared/canonical-json.ts';
import { sha256 } from '../../../shared/digest.ts';
import { type LiveRunRecord, signLiveRun, verifyLiveRun } from '../../../shared/orders/live-run.ts';
import { type PermitToken, signPermitToken, verifyPermitToken } from '../../../shared/orders/permit-token.ts';
import { signReceipt } from '../../../shared/orders/receipt.ts';
import { parseEnvelope, signEnvelope } from '../../../shared/trust/dsse.ts';
import { generateKey } from '../../../shared/trust/keys.ts';
import { STATEMENT_PAYLOAD_TYPE } from '../../../shared/trust/statement.ts';
import { codeThrownBy } from '../../support/rejection-of.ts';

const KEY = generateKey();
const AT_MS = Date.parse('2026-11-22T12:00:00.000Z');
const RUNNING: LiveRunRecord = {
  host: 'contabo',
  app: 'iu-cutter',
  version: 'v0.6',
  treeDigest: sha256('tree'),
  live: '01JD0000000000000000000000',
  entrypoint: 'live',
  order: sha256('order'),
  epoch: 2,
  startedAtMs: AT_MS,
  ended: undefined,
};
const ENDED: LiveRunRecord = {
  ...RUNNING,
  ended: { atMs: AT_MS + 5, how: 'exit 0', stdout: 'done\n', stderr: '', lines: ['{"closeout":{}}'], outputBytes: 5 },
};
const TOKEN: PermitToken = {
  host: 'contabo',
  app: 'iu-cutter',
  live: RUNNING.live,
  entrypoint: 'live',
  order: sha256('order'),
  epoch: 2,
  expiresMs: AT_MS,
};

function resigned(envelope: Uint8Array, change: (statement: { subject: object[]; predicate: object }) => void): Buffer {
  const statement = JSON.parse(parseEnvelope(envelope).payload.toString());
  change(statement);
  return signEnvelope(STATEMENT_PAYLOAD_TYPE, encodeCanonical(statement), [KEY]);
}

describe('shared/orders/live-run', () => {
  const verify = (envelope: Uint8Array, host = 'contabo') =>
    verifyLiveRun(envelope, { host, publicKey: KEY.publicKeyPem });

  for (const record of [RUNNING, ENDED]) {
    it(`tells of one that ${record.ended ? 'has ended' : 'runs'}`, () => {
      expect(verify(signLiveRun(record, KEY))).to.deep.equal(record);
    });
  }

  const receipt = { host: 'contabo', app: 'iu-cutter', answer: 'killed', epoch: 1, atMs: AT_MS } as const;
  const refused: Readonly<Record<string, readonly [() => unknown, string]>> = {
    'that another host signed': [() => verify(signLiveRun(RUNNING, generateKey())), 'signature-threshold-not-met'],
    'of another host': [() => verify(signLiveRun(RUNNING, KEY), 'web-1'), 'live-run-of-another-host'],
    'with a member that is not known': [
      () => verify(resigned(signLiveRun(RUNNING, KEY), ({ predicate }) => Object.assign(predicate, { more: 1 }))),
      'live-run-malformed',
    ],
    'with two subjects': [
      () => verify(resigned(signLiveRun(RUNNING, KEY), ({ subject }) => subject.push(...subject))),
      'live-run-malformed',
    ],
    'that is a receipt': [
      () => verify(signReceipt({ ...receipt, order: sha256('x'), code: undefined, logSize: undefined }, KEY)),
      'predicate-type-mismatch',
    ],
  };
  for (const [title, [act, code]] of Object.entries(refused)) {
    it(`is not believed when it is one ${title}`, () => expect(codeThrownBy(act)).to.equal(code));
  }

  it('cannot hold more output than a record has room for', () => {
    const ended = ENDED.ended;
    if (!ended) throw new Error('it has ended');
    expect(() => signLiveRun({ ...ENDED, ended: { ...ended, stdout: 'x'.repeat(16_385) } }, KEY)).to.throw();
  });
});

describe('shared/orders/permit-token', () => {
  it('is one line, and tells what it was made for', () => {
    const token = signPermitToken(TOKEN, KEY);
    expect(token).to.match(/^[A-Za-z0-9_-]+$/);
    expect(verifyPermitToken(token, KEY.publicKeyPem)).to.deep.equal(TOKEN);
  });

  const token = signPermitToken(TOKEN, KEY);
  const envelopeOf = (text: string) => Buffer.from(text, 'base64url');
  const refused: Readonly<Record<string, readonly [() => unknown, string]>> = {
    'made by somebody else': [
      () => verifyPermitToken(signPermitToken(TOKEN, generateKey()), KEY.publicKeyPem),
      'signature-threshold-not-met',
    ],
    'that is no token': [() => verifyPermitToken('please', KEY.publicKeyPem), 'envelope-malformed'],
    'that is empty': [() => verifyPermitToken('', KEY.publicKeyPem), 'envelope-malformed'],
    'with a longer life': [
      () =>
        verifyPermitToken(
          Buffer.from(
            envelopeOf(token)
              .toString()
              .replace(/"payload":"[^"]+"/, (member) => member.replace('ey', 'eZ')),
          ).toString('base64url'),
          KEY.publicKeyPem,
        ),
      'signature-threshold-not-met',
    ],
    'with a member that is not known': [
      () =>
        verifyPermitToken(
          resigned(envelopeOf(token), ({ predicate }) => Object.assign(predicate, { all: true })).toString('base64url'),
          KEY.publicKeyPem,
        ),
      'permit-malformed',
    ],
    'that is what the host says of a live run': [
      () => verifyPermitToken(signLiveRun(RUNNING, KEY).toString('base64url'), KEY.publicKeyPem),
      'predicate-type-mismatch',
    ],
  };
  for (const [title, [act, code]] of Object.entries(refused)) {
    it(`is none when it is one ${title}`, () => expect(codeThrownBy(act)).to.equal(code));
  }
});
