/** A short ledger with real links and real heads, as a host sends it; and the ways to get one wrong. */
import { sha256 } from '../../shared/digest.ts';
import { type LedgerEntryBody, type RunPhase, type SealedEntry, sealEntry } from '../../shared/ledger/entry.ts';
import { signHead } from '../../shared/ledger/head.ts';
import type { LedgerEntry } from '../../shared/rpc/generated/messages.ts';
import type { SigningKey } from '../../shared/trust/keys.ts';

const AT = '2026-11-22T10:00:00.000Z';
const DIGEST = 'a'.repeat(64);

export interface LedgerFacts {
  readonly run: string;
  readonly host: string;
  readonly key: SigningKey;
  /** The bytes of the release statement. */
  readonly statement: Uint8Array;
}

export class TestLedger {
  readonly run: string;
  readonly entries: SealedEntry[] = [];
  readonly #facts: LedgerFacts;

  /** Begins with `run-admitted`. */
  constructor(facts: LedgerFacts) {
    this.run = facts.run;
    this.#facts = facts;
    this.append({
      type: 'run-admitted',
      app: 'demo',
      version: '1.0',
      commit: 'a'.repeat(40),
      statementDigest: sha256(facts.statement),
      treeDigest: DIGEST,
      manifestDigest: DIGEST,
      planDigest: DIGEST,
      buildRecordDigest: DIGEST,
      policyDigest: DIGEST,
      trust: ['root 1'],
      installPath: '/opt/demo-1.0',
      agentVersion: '0.0.0-test',
    });
  }

  enter(to: RunPhase, reason = 'as planned'): void {
    this.append({ type: 'phase-entered', from: 'admitted', to, reason });
  }

  append(body: LedgerEntryBody): void {
    const { run, host } = this.#facts;
    this.entries.push(sealEntry(this.entries.at(-1), { run, host, at: AT }, body));
  }

  messages(): LedgerEntry[] {
    return this.entries.map((_, seq) => this.message(seq));
  }

  message(seq: number): LedgerEntry {
    return { runId: this.run, seq, entry: this.entryAt(seq).bytes, head: this.headAt(seq) };
  }

  /** The head after the entry `seq`; `key` and `facts` are somebody else's in an attack. */
  headAt(
    seq: number,
    { key = this.#facts.key, ...facts }: Partial<{ key: SigningKey; run: string; host: string }> = {},
  ): Buffer {
    const { run, host } = { ...this.#facts, ...facts };
    const { digest } = this.entryAt(seq);
    return signHead(
      {
        run,
        host,
        size: seq + 1,
        head: digest,
        planDigest: DIGEST,
        policyDigest: DIGEST,
        at: AT,
        app: 'demo',
        version: '1.0',
        treeDigest: DIGEST,
      },
      key,
    );
  }

  entryAt(seq: number): SealedEntry {
    const entry = this.entries[seq];
    if (entry === undefined) throw new RangeError(`there is no entry ${seq}`);
    return entry;
  }
}
