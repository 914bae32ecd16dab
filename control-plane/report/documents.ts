/** The report set: eight documents, each made from a verified ledger and nothing else. */
import type { VerifiedLedger } from '../../shared/ledger/ledger-bundle.ts';
import type { ReportDocument } from './document.ts';
import { artifactDocument } from './documents/artifact.ts';
import { checksDocument } from './documents/checks.ts';
import { environmentDocument } from './documents/environment.ts';
import { finalDocument } from './documents/final.ts';
import { installDocument } from './documents/install.ts';
import { preflightDocument } from './documents/preflight.ts';
import { rollbackDocument } from './documents/rollback.ts';
import { sourceDocument } from './documents/source.ts';

/** 01 to 07, from the ledger as it stands after G7; their digests become the evidence of G8. */
export function buildProvingDocuments(ledger: VerifiedLedger): ReportDocument[] {
  return [
    environmentDocument(ledger),
    sourceDocument(ledger),
    artifactDocument(ledger),
    preflightDocument(ledger),
    installDocument(ledger),
    checksDocument(ledger),
    rollbackDocument(ledger),
  ];
}

/** 08, from the complete ledger. */
export function buildFinalDocument(ledger: VerifiedLedger): ReportDocument {
  return finalDocument(ledger);
}
