/** Enrolment on this side: identity, pinned trust, configuration, in an order that a crash cannot turn around. */
import { RejectedError } from '../../shared/errors.ts';
import type { EnrolmentBundle } from '../../shared/rpc/enrolment-bundle.ts';
import { checkMetadataSet } from '../../shared/trust/tuf-rules.ts';
import { createJournal } from '../journal/journal.ts';
import { enrol } from '../link/enrol.ts';
import { IdentityStore } from '../link/identity-store.ts';
import { resetTrusted } from '../trust/metadata-store.ts';
import { checkHostConfig, type HostConfig, hostFolders, loadHostConfig, saveHostConfig } from './host-config.ts';

export interface EnrolmentRequest {
  readonly bundle: EnrolmentBundle;
  readonly config: Pick<HostConfig, 'installRoots' | 'labels' | 'rootPrefix'>;
  readonly now: Date;
}

/**
 * Joins the control plane that the bundle names. Everything that can be refused without the token is refused before it
 * is spent. The configuration is written last: without it nothing runs, so a half enrolment is none, and may be
 * repeated with a new token. Errors: those of `enrol`, `createJournal` and `checkMetadataSet`; `agent-config-malformed`,
 * `enrolled-as-another-host`, `ledger-key-missing`.
 */
export async function enrolHost(
  stateDirectory: string,
  { bundle, config: ownersConfig, now }: EnrolmentRequest,
): Promise<void> {
  const config = checkHostConfig({
    schema: 'keyturn.agent/v1',
    host: bundle.host,
    gateway: bundle.addresses.gateway,
    ...ownersConfig,
  });
  const trust = new Map(Object.entries(bundle.trust));
  checkMetadataSet(trust);
  const identity = new IdentityStore(hostFolders(stateDirectory).identity);
  checkSameHost(stateDirectory, { host: config.host, identity });
  using journal = new DisposableStack();
  const database = journal.adopt(createJournal(stateDirectory), (opened) => opened.close());
  await enrol(identity, bundle);
  resetTrusted(database, trust, { adoptedAt: now });
  saveHostConfig(stateDirectory, config);
}

/** Checks that the journal, which names its host in every ledger, stays the journal of one host, signed by one key. */
function checkSameHost(
  stateDirectory: string,
  { host, identity }: { readonly host: string; readonly identity: IdentityStore },
): void {
  const enrolled = enrolledHost(stateDirectory);
  if (enrolled === undefined) return;
  if (enrolled !== host) {
    throw new RejectedError(
      'enrolled-as-another-host',
      `failed to enrol as "${host}": "${stateDirectory}" holds the journal of "${enrolled}"`,
      { hint: 'give each host a state folder of its own with --state' },
    );
  }
  identity.openLedgerKey();
}

function enrolledHost(stateDirectory: string): string | undefined {
  try {
    return loadHostConfig(stateDirectory).host;
  } catch (error) {
    if (error instanceof RejectedError && error.code === 'not-enrolled') return undefined;
    throw error;
  }
}
