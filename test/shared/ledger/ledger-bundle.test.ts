import { expect } from 'chai';
import { RejectedError } from '../../../shared/errors.ts';
import { parseEntry, verifyChain } from '../../../shared/ledger/entry.ts';
import { assertHeadCovers, verifyHead } from '../../../shared/ledger/head.ts';
import { type LedgerBundle, readLedgerBundle } from '../../../shared/ledger/ledger-bundle.ts';
import { LIMITS } from '../../../shared/limits.ts';
import { parseEnvelope } from '../../../shared/trust/dsse.ts';
import { STATEMENT_PAYLOAD_TYPE } from '../../../shared/trust/statement.ts';
import {
  ATTACKS,
  admission,
  failed,
  good,
  headOf,
  hostKey,
  type Layer,
  last,
  resealed,
  withEntries,
} from '../../support/ledger-attacks.ts';
import type { LedgerFixture } from '../../support/ledger-fixture.ts';

/** The layers in their order, each on its own: what each says of the bundle, or nothing when it is content. */
function layerThatRejects(bundle: LedgerBundle): Layer | undefined {
  const ladder: readonly [Layer, () => unknown][] = [
    ['entry', () => checkEntries(bundle)],
    ['chain', () => verifyChain(bundle.entries.map(parseEntry))],
    ['envelope', () => checkEnvelope(bundle)],
    ['head', () => readHead(bundle)],
    ['cover', () => assertHeadCovers(readHead(bundle), bundle.entries.map(parseEntry))],
  ];
  for (const [layer, run] of ladder) if (rejectionOf(run) !== undefined) return layer;
  return undefined;
}

function checkEntries({ entries }: LedgerBundle): void {
  if (entries.length > LIMITS.ledgerEntryCount) throw new RejectedError('ledger-too-long', 'too long');
  entries.map(parseEntry);
}

function checkEnvelope({ head }: LedgerBundle): void {
  const envelope = parseEnvelope(head);
  if (envelope.payloadType !== STATEMENT_PAYLOAD_TYPE) throw new RejectedError('payload-type-mismatch', 'type');
  const code = rejectionOf(() => readHead({ ...good.bundle, head }));
  if (code === 'signature-threshold-not-met') throw new RejectedError(code, 'signature');
}

function readHead({ head, entries }: LedgerBundle) {
  const { run, host } = parseEntry(entries[0] as Uint8Array).entry;
  return verifyHead(head, { publicKey: hostKey.publicKeyPem, run, host });
}

function rejectionOf(action: () => unknown): string | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    if (!(error instanceof RejectedError)) throw error;
    return error.code;
  }
}

function read(bundle: LedgerBundle, fixture: LedgerFixture = good) {
  return readLedgerBundle(bundle, { kinds: fixture.kinds, hostPublicKey: hostKey.publicKeyPem });
}

describe('shared/ledger/ledger-bundle', () => {
  it('reads a good ledger, and derives its verdict', () => {
    const ledger = read(good.bundle);
    expect(ledger.summary.verdict).to.equal('A');
    expect(ledger.head.size).to.equal(good.entries.length);
    expect(ledger.admitted.app).to.equal('iu-cutter');
    expect(ledger.policy.forbidden).to.deep.equal(['service-change', 'production-write']);
  });

  it('reads a ledger by an older head, as far as that head goes', () => {
    const entries = good.entries.slice(0, last - 1);
    const ledger = read(withEntries(entries, headOf({ size: entries.length, head: entries.at(-1)!.digest })));
    expect(ledger.summary.verdict).to.equal('D');
    expect(ledger.summary.gates.find(({ gate }) => gate === 'G8')?.status).to.equal('NOT_RUN');
    expect(ledger.summary.gates.find(({ gate }) => gate === 'G7')?.status).to.equal('PASS');
  });

  it('takes an install path below a root prefix', () => {
    const bundle = resealed((bodies) => [
      { ...admission, installPath: `/tmp/prefix${admission.installPath}` },
      ...bodies.slice(1),
    ]);
    expect(read(bundle).admitted.installPath).to.equal('/tmp/prefix/opt/incomex/dot/iu-cutter-0.6');
  });

  it('derives the same summary from the same bytes, and a failure stays one', () => {
    expect(read(good.bundle).summary).to.deep.equal(read(good.bundle).summary);
    expect(read(failed.bundle, failed).summary.verdict).to.equal('C');
  });

  describe('refuses', () => {
    for (const [title, { code, layer, bundle }] of Object.entries(ATTACKS)) {
      it(`${title} (${layer}: ${code})`, () => {
        const attacked = bundle();
        expect(rejectionOf(() => read(attacked))).to.equal(code);
        const early: readonly Layer[] = ['entry', 'chain', 'envelope', 'head', 'cover'];
        if (layer !== 'key') expect(layerThatRejects(attacked)).to.equal(early.includes(layer) ? layer : undefined);
      });
    }

    it('has at least 45 attacks to refuse', () => {
      expect(Object.keys(ATTACKS).length).to.be.at.least(45);
    });
  });

  it('refuses every ledger in which one byte of an entry is changed, and one in which a byte of the head is', () => {
    let count = 0;
    for (const [index, { bytes }] of good.entries.entries()) {
      for (let at = 0; at < bytes.length; at += 97) {
        const changed = Buffer.from(bytes);
        changed[at] = (changed[at] as number) ^ 1;
        const entries = good.bundle.entries.with(index, changed);
        expect(
          rejectionOf(() => read({ ...good.bundle, entries })),
          `entry ${index}, byte ${at}`,
        ).to.be.a('string');
        count += 1;
      }
    }
    for (let at = 0; at < good.bundle.head.length; at += 1) {
      const head = Buffer.from(good.bundle.head);
      head[at] = (head[at] as number) ^ 1;
      const code = rejectionOf(() => read({ ...good.bundle, head }));
      if (code === undefined) expect(isHint(at), `byte ${at} of the head`).to.equal(true);
      count += 1;
    }
    expect(count).to.be.at.least(1000);
  });
});

/** A signature's `keyid` is a hint: it decides nothing, so a change in it changes nothing. */
function isHint(at: number): boolean {
  const text = good.bundle.head.toString();
  const start = text.indexOf('"keyid":"') + '"keyid":"'.length;
  return at >= start && at < start + 64;
}
