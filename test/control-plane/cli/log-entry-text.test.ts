/** What people read in the log: every kind in one line, and nothing that a document claims can steer their terminal. */
import { expect } from 'chai';
import { listingLines } from '../../../control-plane/cli/listing.ts';
import { logEntryClaim } from '../../../control-plane/cli/log-entry-text.ts';
import { sha256, shortDigest } from '../../../shared/digest.ts';
import { encodeKillOrder } from '../../../shared/orders/kill-order.ts';
import { encodeKillRecord } from '../../../shared/orders/kill-record.ts';
import { signReceipt } from '../../../shared/orders/receipt.ts';
import { encodeRuling } from '../../../shared/orders/ruling.ts';
import { generateKey } from '../../../shared/trust/keys.ts';
import { honestOffer, NOW_MS, sign } from '../../support/enable-world.ts';

const ORDER = sha256('an order');
const RECEIPT = { host: 'contabo', app: 'iu-cutter', order: ORDER, epoch: 3, logSize: 7, atMs: NOW_MS };
const RECORD = {
  from: 'session',
  app: 'iu-cutter',
  hosts: ['contabo'],
  reason: 'smoke',
  by: 'olga',
  atMs: NOW_MS,
} as const;
const RULING = { host: 'contabo', run: '01JD0000000000000000000000', head: ORDER, check: 'dry', issuedAtMs: NOW_MS };

describe('control-plane/cli/log-entry-text', () => {
  it('says of an order what it opens, and why', () => {
    const { about, app } = logEntryClaim('enable', honestOffer().envelope);
    expect({ about, app }).to.deep.equal({
      about: 'enable iu-cutter@0.6 (live) for 21 hosts: the cut of November',
      app: 'iu-cutter',
    });
  });

  it('says of an answer who gave it to which order, and the code of a refusal', () => {
    const refused = signReceipt({ ...RECEIPT, answer: 'refused', code: 'order-expired' }, generateKey());
    expect(logEntryClaim('receipt', refused)).to.deep.equal({
      app: 'iu-cutter',
      host: 'contabo',
      answer: 'refused',
      code: 'order-expired',
      about: `contabo iu-cutter refused order-expired, to order ${shortDigest(ORDER)}`,
    });
    const killed = signReceipt({ ...RECEIPT, answer: 'killed', code: undefined }, generateKey());
    expect(logEntryClaim('receipt', killed)).to.not.have.property('code');
  });

  it('says of a kill who asked for it where, and of one that was signed that it was', () => {
    const said = logEntryClaim('kill', encodeKillRecord(RECORD));
    expect(said).to.deep.equal({
      app: 'iu-cutter',
      host: 'contabo',
      about: 'kill iu-cutter on contabo, by olga: smoke',
    });
    const everywhere = logEntryClaim('kill', encodeKillRecord({ ...RECORD, hosts: [], from: 'host', by: 'root' }));
    expect(everywhere.about).to.equal('kill iu-cutter on every host, by root on the host itself: smoke');
    const signed = sign(encodeKillOrder({ app: 'iu-cutter', hosts: undefined, issuedAtMs: NOW_MS, reason: 'smoke' }));
    expect(logEntryClaim('kill', signed).about).to.equal('kill iu-cutter, signed: smoke');
  });

  it('says of a ruling where it lets a run go on', () => {
    const ruling = {
      ...RULING,
      decision: 'proceed',
      stopGate: 'SG1',
      expiresMs: undefined,
      reason: 'as expected',
    } as const;
    expect(logEntryClaim('ruling', sign(encodeRuling(ruling))).about).to.equal('contabo proceed SG1: as expected');
  });

  it('says of what it cannot read that it cannot, whatever it is called', () => {
    for (const kind of ['enable', 'kill', 'receipt', 'verdict', 'rumour']) {
      expect(logEntryClaim(kind, Buffer.from('no document'))).to.deep.equal({ about: 'cannot be read' });
    }
  });

  it('cuts off what is too long, and spells out what nobody would see', () => {
    const reason = `\u001b[2J\u202e${'long '.repeat(300)}`;
    const { about } = logEntryClaim('kill', encodeKillRecord({ ...RECORD, reason }));
    expect(about).to.have.length(160);
    const [line = ''] = listingLines([[about]], '');
    expect(line).to.include('\\u{1b}[2J\\u{202e}long');
    expect(line).to.not.match(/[\u001b\u202e]/);
  });
});
