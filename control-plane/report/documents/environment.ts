import type { VerifiedLedger } from '../../../shared/ledger/ledger-bundle.ts';
import { absenceEvidence, admissionEvidence, citeEntry, citeHead, citePolicy, derived } from '../cite.ts';
import type { Block, ReportDocument, Section } from '../document.ts';
import { statement } from '../document.ts';
import { admittedFacts, documentOf, fact, gateSections } from './frame.ts';

/** 01: which run this is, by whose authority, and gate G0. */
export function environmentDocument(ledger: VerifiedLedger): ReportDocument {
  const name = { number: '01', title: 'Environment and authority' };
  return documentOf(ledger, name, [runSection(ledger), authoritySection(ledger), ...gateSections(ledger, ['G0'])]);
}

function runSection(ledger: VerifiedLedger): Section {
  const first = admissionEvidence(ledger);
  const last = absenceEvidence(ledger);
  const rows = [
    fact('run', citeEntry(ledger, 0, '/run'), first),
    fact('host', citeEntry(ledger, 0, '/host'), first),
    fact('admitted_at', citeEntry(ledger, 0, '/at'), first),
    fact('last_entry_at', citeEntry(ledger, ledger.entries.length - 1, '/at'), last.slice(-1)),
    fact('phase', derived('phase', 'run', ledger.summary.phase), last),
    fact('ledger_size', citeHead(ledger, '/size'), last),
    fact('ledger_head', citeHead(ledger, '/head'), last.slice(-1)),
    fact('head_signed_at', citeHead(ledger, '/at'), last.slice(-1)),
  ];
  return { title: 'Run', blocks: [{ block: 'facts', rows }, phaseTable(ledger)] };
}

function phaseTable(ledger: VerifiedLedger): Block {
  const rows = ledger.entries.flatMap(({ entry }) => {
    if (entry.body.type !== 'phase-entered') return [];
    const cite = (pointer: string) => [citeEntry(ledger, entry.seq, pointer)];
    const cells = [cite('/at'), cite('/body/from'), cite('/body/to'), cite('/body/reason')];
    return [{ cells, evidence: [`${entry.run}#${entry.seq}`] }];
  });
  return { block: 'table', columns: ['At', 'From', 'To', 'Reason'], rows };
}

function authoritySection(ledger: VerifiedLedger): Section {
  const admitted = admittedFacts(ledger, {
    app: 'app',
    version: 'version',
    commit: 'commit',
    install_path: 'installPath',
    agent_version: 'agentVersion',
    release_statement: 'statementDigest',
    tree: 'treeDigest',
    manifest: 'manifestDigest',
    plan: 'planDigest',
    build_record: 'buildRecordDigest',
    policy: 'policyDigest',
  });
  const trust = ledger.admitted.trust.map((_, index) =>
    statement(['Trusted metadata: ', citeEntry(ledger, 0, `/body/trust/${index}`)], admissionEvidence(ledger)),
  );
  return {
    title: 'Authority',
    blocks: [admitted, ...(trust.length > 0 ? [{ block: 'list', items: trust } as const] : []), forbiddenBlock(ledger)],
  };
}

/** What the policy forbids, whatever a plan says. */
export function forbiddenBlock(ledger: VerifiedLedger): Block {
  const items = ledger.policy.forbidden.map((_, index) =>
    statement(['Forbidden by policy: ', citePolicy(ledger, `/forbidden/${index}`)], admissionEvidence(ledger)),
  );
  const none = statement('The policy forbids no action.', admissionEvidence(ledger));
  return { block: 'list', items: items.length > 0 ? items : [none] };
}
