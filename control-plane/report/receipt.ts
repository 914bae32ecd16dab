/**
 * What a fetched report is worth, without the word of whoever handed it over.
 *
 * 1. The host's ledger holds the receipt of G8: the digest of each document as it was when the host signed.
 * 2. What the receipt does not have (08 is made after it), or has otherwise (a run that was rolled back gets its documents
 *    anew), must be exactly what follows from the verified ledger.
 * 3. Everything else is said aloud, and so is a document that the host signed and that is not there.
 */
import { type Sha256, sha256 } from '../../shared/digest.ts';
import { reportKind } from '../../shared/ledger/kinds/report.ts';
import type { VerifiedLedger } from '../../shared/ledger/ledger-bundle.ts';
import { allRows } from './claims.ts';
import { buildFinalDocument, buildProvingDocuments } from './documents.ts';
import type { ReportFile } from './render/report-file.ts';
import { reportSetOf } from './report-set.ts';

/**
 * `signed`: the host signed this digest. `follows`: the host did not sign this digest, and the document is what follows
 * from its ledger. `differs`: neither, and the host signed another digest. `unfounded`: neither, and the host signed none.
 * `missing`: the host signed it, and it was not handed over.
 */
export type Standing = 'signed' | 'follows' | 'differs' | 'unfounded' | 'missing';

export interface DocumentStanding {
  readonly name: string;
  readonly standing: Standing;
  /** Undefined when it is missing. */
  readonly sha256: Sha256 | undefined;
  /** Undefined when the receipt does not have it, or there is no receipt yet. */
  readonly signedSha256: Sha256 | undefined;
}

/** Digests by name, as the host signed them; empty while it has recorded no receipt. */
export function receiptOf(ledger: VerifiedLedger): ReadonlyMap<string, Sha256> {
  const result = allRows(ledger).find(({ id }) => id === 'g8.report')?.evidence?.result;
  const receipt = reportKind.observation.safeParse(result?.did === 'observe' ? result.observation : undefined);
  const documents = receipt.success ? receipt.data.documents : [];
  // Of a name that stands twice the first digest counts; such a receipt is no pass of G8.
  return new Map(documents.toReversed().map(({ name, sha256: digest }) => [name, digest]));
}

/** How each document stands, those that are missing last. */
export function compareWithLedger(
  ledger: VerifiedLedger,
  documents: ReadonlyMap<string, Uint8Array>,
): DocumentStanding[] {
  const receipt = receiptOf(ledger);
  const made = reportSetOf([...buildProvingDocuments(ledger), buildFinalDocument(ledger)]);
  const following = new Map(made.files.map((file) => [file.name, file.sha256]));
  const rows = [...documents].map(([name, content]): DocumentStanding => {
    const digest = sha256(content);
    const signedSha256 = receipt.get(name);
    if (digest === signedSha256) return { name, standing: 'signed', sha256: digest, signedSha256 };
    if (digest === following.get(name)) return { name, standing: 'follows', sha256: digest, signedSha256 };
    const standing = signedSha256 === undefined ? 'unfounded' : 'differs';
    return { name, standing, sha256: digest, signedSha256 };
  });
  const missing = [...receipt].filter(([name]) => !documents.has(name));
  return [
    ...rows,
    ...missing.map(([name, signedSha256]) => ({ name, standing: 'missing' as const, sha256: undefined, signedSha256 })),
  ];
}

/** What a reader must be told of a report; empty when there is nothing to tell. */
export function standingWarnings(rows: readonly DocumentStanding[]): string[] {
  return rows.map(warningOf).filter((warning) => warning !== undefined);
}

function warningOf({ name, standing, sha256: digest, signedSha256 }: DocumentStanding): string | undefined {
  switch (standing) {
    case 'signed':
      return undefined;
    case 'follows':
      return signedSha256 && `document "${name}" was made anew from the ledger since the host signed ${signedSha256}`;
    case 'differs':
      return `document "${name}" is ${digest}, the host signed ${signedSha256}`;
    case 'unfounded':
      return `document "${name}" is not signed by the host and does not follow from its ledger as it is now`;
    case 'missing':
      return `document "${name}" is missing, the host signed ${signedSha256}`;
  }
}

/** Whether all documents are what the host signed or what follows from its ledger, and none is missing. */
export function isFounded(rows: readonly DocumentStanding[]): boolean {
  return rows.every(({ standing }) => standing === 'signed' || standing === 'follows');
}

/** The files, with those that are kept and that the host signed in the place of what would be made of the ledger now. */
export function withSigned(
  files: readonly ReportFile[],
  { kept, receipt }: { kept: readonly Pick<ReportFile, 'name' | 'content'>[]; receipt: ReadonlyMap<string, Sha256> },
): ReportFile[] {
  return files.map((file) => {
    const earlier = kept.find(({ name }) => name === file.name);
    const digest = receipt.get(file.name);
    if (!earlier || digest === undefined || sha256(earlier.content) !== digest) return file;
    return { ...file, content: earlier.content, sha256: digest };
  });
}
