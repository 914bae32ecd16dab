/** Who this host is: its certificate, and the key that signs its ledgers. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { RejectedError } from '../../../shared/errors.ts';
import { type Diagnosis, ofError } from '../../../shared/service/doctor/examination.ts';
import { diagnoseLife, durationText } from '../../../shared/service/doctor/remaining-life.ts';
import { hostFolders } from '../../host/host-config.ts';
import { IdentityStore, lifeOf } from '../../link/identity-store.ts';
import type { EnrolledContext } from './doctor-context.ts';

/** From this part of a certificate's life on the agent asks for the next one. */
const RENEWAL_PART = 2 / 3;

export function examineIdentity(context: EnrolledContext): Diagnosis[] {
  const identity = new IdentityStore(hostFolders(context.stateDirectory).identity);
  return [whole(() => certificateDiagnosis(identity, context)), whole(() => ledgerKeyDiagnosis(identity))];
}

function certificateDiagnosis(identity: IdentityStore, { now, config, command }: EnrolledContext): Diagnosis {
  const { certificate, privateKey, caCertificate } = identity.loadTls();
  const parsed = new X509Certificate(certificate);
  const mend = command('enrol', 'BUNDLE', '--install-root', ...config.installRoots);
  const fault = (statement: string): Diagnosis => ({ level: 'trouble', statement: `certificate: ${statement}`, mend });
  if (!parsed.checkPrivateKey(createPrivateKey(privateKey))) return fault('its private key is another');
  if (!parsed.verify(new X509Certificate(caCertificate).publicKey))
    return fault('not signed by the authority beside it');
  const { issuedAt, expiresAt } = lifeOf(certificate);
  const dueAt = issuedAt + (expiresAt - issuedAt) * RENEWAL_PART;
  const life = diagnoseLife({ what: 'certificate', expiresAt, lifeMs: expiresAt - issuedAt, now });
  if (expiresAt <= now) return { ...life, statement: `${life.statement}; the bundle is of keyturn host token`, mend };
  if (now < dueAt) return life;
  const statement = `${life.statement}; its renewal is due for ${durationText(now - dueAt)}, the agent renews it while connected`;
  return { level: 'warning', statement, mend: command('run') };
}

function ledgerKeyDiagnosis(identity: IdentityStore): Diagnosis {
  return { level: 'ok', statement: `ledger key: ${identity.openLedgerKey().keyId.slice(0, 16)}` };
}

/** A file that is missing, open to others or no key. */
function whole(diagnose: () => Diagnosis): Diagnosis {
  try {
    return diagnose();
  } catch (error) {
    const isOpen = error instanceof RejectedError && error.code === 'key-file-open-to-others';
    return isOpen && error.hint !== undefined
      ? { level: 'trouble', statement: error.message, mend: error.hint }
      : ofError(error);
  }
}
