/** The client certificates of this machine: whole, of one authority, and how long they still count. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import { OPERATOR_PATTERN, ROLES, type Role } from '../../../shared/rpc/peer-identity.ts';
import { type Diagnosis, ofError } from '../../../shared/service/doctor/examination.ts';
import { diagnosePrivacy } from '../../../shared/service/doctor/private-path.ts';
import { diagnoseLife } from '../../../shared/service/doctor/remaining-life.ts';
import type { OperatorFile } from '../home.ts';
import type { DoctorContext } from './doctor-context.ts';

export function examineOperatorCertificates(context: DoctorContext): Diagnosis[] {
  const files = ROLES.map((role) => ({ role, path: context.home.operatorPath(role) }));
  const present = files.filter(({ path }) => existsSync(path));
  if (present.length === 0)
    return [{ level: 'warning', statement: 'there is no client certificate: no control plane can be asked' }];
  return present.flatMap(({ role, path }) => {
    const faults = diagnosePrivacy(path, { kind: 'file', whenReadable: 'trouble' });
    return faults.length > 0 ? faults : [certificateDiagnosis(role, context)];
  });
}

function certificateDiagnosis(role: Role, context: DoctorContext): Diagnosis {
  const { home, now } = context;
  try {
    const operator = home.loadOperator(role);
    const certificate = new X509Certificate(operator.certificate);
    const fault = faultOf(operator, certificate);
    if (fault !== undefined) return { level: 'trouble', statement: `${role}: ${fault}` };
    const expiresAt = Date.parse(certificate.validTo);
    const lifeMs = expiresAt - Date.parse(certificate.validFrom);
    return diagnoseLife({ what: role, expiresAt, lifeMs, now, mend: issuing(certificate, { role, context }) });
  } catch (error) {
    return ofError(error);
  }
}

/** Only the machine of the control plane issues certificates. */
function issuing(
  certificate: X509Certificate,
  { role, context: { home, command } }: { role: Role; context: DoctorContext },
): string | undefined {
  const name = /^URI:keyturn:\/\/operator\/[a-z]+\/([^/,\s]+)$/.exec(certificate.subjectAltName ?? '')?.[1];
  if (name === undefined || !OPERATOR_PATTERN.test(name) || !existsSync(home.controlPlane)) return undefined;
  return command('operator', 'issue', name, '--role', role, '--out', home.operatorPath(role));
}

function faultOf({ privateKey, caCertificate }: OperatorFile, certificate: X509Certificate): string | undefined {
  if (!certificate.checkPrivateKey(createPrivateKey(privateKey)))
    return 'the private key is not that of its certificate';
  if (!certificate.verify(new X509Certificate(caCertificate).publicKey))
    return 'the certificate is not signed by the authority beside it';
  return undefined;
}
