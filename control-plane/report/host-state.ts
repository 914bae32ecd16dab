import type { VerifiedLedger } from '../../shared/ledger/ledger-bundle.ts';
import { anchorBlocks, anchorSummary } from './anchors.ts';
import { absenceEvidence, admissionEvidence, citeEntry, citeStatement, derived } from './cite.ts';
import { type ClaimName, makeClaim } from './claims.ts';
import type { Section, Statement } from './document.ts';
import { statement } from './document.ts';
import { observedFacts } from './observed-facts.ts';

/** What the evidence shows of the host, in the words of the claims: proven, or NOT PROVEN. */
export function hostStateSection(ledger: VerifiedLedger): Section {
  const path = citeEntry(ledger, 0, '/body/installPath');
  const installed = makeClaim(ledger, 'installed');
  const items: Statement[] = [
    statement([path, ' : ', installed.value], installed.evidence),
    statement(
      [
        'release: ',
        citeStatement(ledger, '/app'),
        ' ',
        citeStatement(ledger, '/version'),
        ' at commit ',
        citeStatement(ledger, '/commit'),
      ],
      admissionEvidence(ledger),
    ),
    statement(
      [
        'audit artifact of the release: ',
        citeStatement(ledger, '/archive/name'),
        ', sha256 ',
        citeStatement(ledger, '/archive/sha256'),
      ],
      admissionEvidence(ledger),
    ),
    ...observedFacts(ledger),
    claimed(ledger, 'services, timers, cron jobs and processes that refer to it: ', 'nothing-runs'),
    claimed(ledger, 'execution_enabled: ', 'execution-enabled'),
    claimed(ledger, 'LIVE execution: ', 'live-refused'),
    preserved(ledger),
    claimed(ledger, 'rollback rehearsed: ', 'rollback-rehearsed'),
    statement(['the run ended in phase: ', derived('phase', 'run', ledger.summary.phase)], absenceEvidence(ledger)),
  ];
  return { title: '4. What is now true on the host', blocks: [{ block: 'list', items }, ...anchorBlocks(ledger)] };
}

function preserved(ledger: VerifiedLedger): Statement {
  const { parts, evidence } = anchorSummary(ledger);
  return statement(['preserved neighbours: ', ...parts], evidence);
}

function claimed(ledger: VerifiedLedger, label: string, name: ClaimName): Statement {
  const claim = makeClaim(ledger, name);
  return statement([label, claim.value], claim.evidence);
}
