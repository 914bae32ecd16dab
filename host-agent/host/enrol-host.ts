/** Enrolment on this side: identity, pinned trust, configuration, in an order that a crash cannot turn around. */
import type { EnrolmentBundle } from '../../shared/rpc/enrolment-bundle.ts';
import { openJournal } from '../journal/journal.ts';
import { enrol } from '../link/enrol.ts';
import { IdentityStore } from '../link/identity-store.ts';
import { resetTrusted } from '../trust/metadata-store.ts';
import { checkHostConfig, type HostConfig, hostFolders, saveHostConfig } from './host-config.ts';

/**
 * Joins the control plane that the bundle names. The configuration is written last: without it nothing runs, so a half
 * enrolment is none, and may be repeated with a new token. Errors: those of `enrol`; `agent-config-malformed`.
 */
export async function enrolHost(
  stateDirectory: string,
  {
    bundle,
    config,
    now,
  }: { bundle: EnrolmentBundle; config: Pick<HostConfig, 'installRoots' | 'labels' | 'rootPrefix'>; now: Date },
): Promise<void> {
  const whole = checkHostConfig({
    schema: 'keyturn.agent/v1',
    host: bundle.host,
    gateway: bundle.addresses.gateway,
    ...config,
  });
  const database = openJournal(stateDirectory);
  try {
    await enrol(new IdentityStore(hostFolders(stateDirectory).identity), bundle);
    resetTrusted(database, new Map(Object.entries(bundle.trust)), { adoptedAt: now });
  } finally {
    database.close();
  }
  saveHostConfig(stateDirectory, whole);
}
