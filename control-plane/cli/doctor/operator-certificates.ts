/** The client certificates of this machine: whole, of one authority, and how long they still count. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ROLES, type Role } from '../../../shared/rpc/peer-identity.ts';
import { type Diagnosis, ofError } from '../../../shared/service/doctor/examination.ts';
import { diagnosePrivacy } from '../../../shared/service/doctor/private-path.ts';
import { diagnoseLife } from '../../../shared/service/doctor/remaining-life.ts';
import type { OperatorFile } from '../home.ts';
import type { DoctorContext } from './doctor-context.ts';

export function examineOperatorCertificates(context: DoctorContext): Diagnosis[] {
  const files = ROLES.map((role) => ({ role, path: join(context.home.folder, 'operators', `${role}.json`) }));
  const present = files.filter(({ path }) => existsSync(path));
  if (present.length === 0)
    return [{ level: 'warning', statement: 'there is no client certificate: no control plane can be asked' }];
  return present.flatMap(({ role, path }) => {
    const faults = diagnosePrivacy(path, { kind: 'file', whenReadable: 'trouble' });
    return faults.length > 0 ? faults : [certificateDiagnosis(role, context)];
  });
}

function certificateDiagnosis(role: Role, { home, now }: DoctorContext): Diagnosis {
  try {
    const operator = home.loadOperator(role);
    const certificate = new X509Certificate(operator.certificate);
    const fault = faultOf(operator, certificate);
    if (fault !== undefined) return { level: 'trouble', statement: `${role}: ${fault}` };
    const expiresAt = Date.parse(certificate.validTo);
    return diagnoseLife({ what: role, expiresAt, lifeMs: expiresAt - Date.parse(certificate.validFrom), now });
  } catch (error) {
    return ofError(error);
  }
}

function faultOf({ privateKey, caCertificate }: OperatorFile, certificate: X509Certificate): string | undefined {
  if (!certificate.checkPrivateKey(createPrivateKey(privateKey)))
    return 'the private key is not that of its certificate';
  if (!certificate.verify(new X509Certificate(caCertificate).publicKey))
    return 'the certificate is not signed by the authority beside it';
  return undefined;
}
