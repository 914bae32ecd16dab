import type { VerifiedLedger } from '../../../shared/ledger/ledger-bundle.ts';
import { admissionEvidence, citePlan, citeStatement } from '../cite.ts';
import type { Block, ReportDocument, Section } from '../document.ts';
import { statement } from '../document.ts';
import { documentOf, fact, gateSections } from './frame.ts';

/** 03: the artifact by its digests, what it must not contain, and gate G2. */
export function artifactDocument(ledger: VerifiedLedger): ReportDocument {
  const name = { number: '03', title: 'Artifact' };
  return documentOf(ledger, name, [digestSection(ledger), ...gateSections(ledger, ['G2'])]);
}

const DIGESTS = {
  archive: '/archive/name',
  archive_sha256: '/archive/sha256',
  archive_bytes: '/archive/size',
  tree: '/treeDigest',
  manifest: '/manifest/sha256',
  provenance: '/provenance/sha256',
};

function digestSection(ledger: VerifiedLedger): Section {
  const evidence = admissionEvidence(ledger);
  const rows = Object.entries(DIGESTS).map(([key, pointer]) => fact(key, citeStatement(ledger, pointer), evidence));
  const forbidden = ledger.plan.artifact.forbid.map((_, index) =>
    statement(['The plan forbids files like ', citePlan(ledger, `/artifact/forbid/${index}`)], evidence),
  );
  const blocks: Block[] = [{ block: 'facts', rows }];
  if (forbidden.length > 0) blocks.push({ block: 'list', items: forbidden });
  return { title: 'Artifact', blocks };
}
