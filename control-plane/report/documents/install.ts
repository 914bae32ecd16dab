import type { VerifiedLedger } from '../../../shared/ledger/ledger-bundle.ts';
import { anchorBlocks } from '../anchors.ts';
import { makeClaim } from '../claims.ts';
import type { ReportDocument, Section } from '../document.ts';
import { statement } from '../document.ts';
import { admittedFacts, documentOf, gateSections } from './frame.ts';

/** 05: gate G4, the path that was added, and the neighbours that were not touched. */
export function installDocument(ledger: VerifiedLedger): ReportDocument {
  const name = { number: '05', title: 'Install' };
  return documentOf(ledger, name, [pathSection(ledger), ...gateSections(ledger, ['G4'])]);
}

function pathSection(ledger: VerifiedLedger): Section {
  const installed = makeClaim(ledger, 'installed');
  const mutation = makeClaim(ledger, 'host-mutation');
  const rows = [
    { key: 'installed', statement: statement(installed.value, installed.evidence) },
    { key: 'host_mutation', statement: statement(mutation.value, mutation.evidence) },
  ];
  const place = admittedFacts(ledger, { install_path: 'installPath', tree: 'treeDigest' });
  return { title: 'Installation', blocks: [place, { block: 'facts', rows }, ...anchorBlocks(ledger)] };
}
