/** Mutations of the two answers that carry a certificate: of a renewal over the session's connection, and of enrolment. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { createAuthority } from '../../control-plane/authority/authority-files.ts';
import type { CertificateAuthority } from '../../control-plane/authority/certificate-authority.ts';
import { enrolHost } from '../../host-agent/host/enrol-host.ts';
import { hostFolders, loadHostConfig } from '../../host-agent/host/host-config.ts';
import { makeKeyWithRequest } from '../../host-agent/link/certificate-request.ts';
import { IdentityStore } from '../../host-agent/link/identity-store.ts';
import { RejectedError, TransientError } from '../../shared/errors.ts';
import { hostUri } from '../../shared/rpc/peer-identity.ts';
import { systemClock } from '../../shared/time/clock.ts';
import { type AttackedHost, HOST } from './attacked-host.ts';
import { mutatedMessages } from './carriers.ts';
import { encodeMessage } from './honest-answers.ts';
import type { Ending, Verdict } from './trial.ts';

const HOUR_MS = 60 * 60 * 1000;
const DAY_MS = 24 * HOUR_MS;

export interface CertificateTrial {
  readonly carrier: 'renewal' | 'enrolment';
  readonly field: string;
  readonly mutation: string;
  readonly answer: (csr: Buffer) => Promise<Buffer>;
}

/** Certificates that are sound PEM, and not the one that was asked for. */
type WrongCertificate = (csr: Buffer, honest: string) => Promise<string>;

export async function certificateTrials(host: AttackedHost): Promise<CertificateTrial[]> {
  const [renewal, enrolment] = [
    { carrier: 'renewal', message: 'RenewCertificateResponse' },
    { carrier: 'enrolment', message: 'EnrolResponse' },
  ] as const;
  const wrong = Object.entries(wrongCertificates(host, await strangerAuthority(host)));
  return [renewal, enrolment].flatMap(({ carrier, message }) => [
    ...messageTrials(host, { carrier, message }),
    ...wrong.map(([mutation, certificate]) => ({
      carrier,
      field: `${message}.certificate`,
      mutation,
      answer: async (csr: Buffer) =>
        encodeMessage(message, { certificate: await certificate(csr, await host.honest.certificateFor(csr)) }),
    })),
  ]);
}

function messageTrials(
  host: AttackedHost,
  { carrier, message }: Pick<CertificateTrial, 'carrier'> & { message: string },
): CertificateTrial[] {
  const mutate = (certificate: string) =>
    mutatedMessages({ name: message, bytes: encodeMessage(message, { certificate }) }, () => [Buffer.from('none')]);
  return mutate('-----BEGIN CERTIFICATE-----\nA').map(({ field, mutation }, index) => ({
    carrier,
    field,
    mutation,
    answer: async (csr) => mutate(await host.honest.certificateFor(csr))[index]?.bytes ?? Buffer.alloc(0),
  }));
}

async function strangerAuthority(host: AttackedHost): Promise<CertificateAuthority> {
  const folder = join(host.temporary, 'stranger');
  const authority = await createAuthority(folder, systemClock);
  rmSync(folder, { recursive: true });
  return authority;
}

function wrongCertificates(host: AttackedHost, stranger: CertificateAuthority): Record<string, WrongCertificate> {
  const { authority } = host.controlPlane;
  const otherKey = async () => (await makeKeyWithRequest(HOST)).csr;
  const at = async (shiftMs: number, csr: Buffer) => {
    host.issuingClock.shiftMs = shiftMs;
    const issued = await authority.issueHostCertificate(csr, HOST);
    host.issuingClock.shiftMs = 0;
    return issued.certificate;
  };
  const label =
    (name: string): WrongCertificate =>
    async (_csr, honest) =>
      honest.replaceAll('CERTIFICATE', name);
  const foreign = async () => (await authority.issueHostCertificate(await otherKey(), HOST)).certificate;
  return {
    'for another host': async (csr) => (await authority.issueHostCertificate(csr, 'devhost-2')).certificate,
    'for another key': foreign,
    'of another CA': async (csr) => (await stranger.issueHostCertificate(csr, HOST)).certificate,
    'of the server': async () => (await authority.issueServerCertificate([])).certificate,
    'of the CA itself': async () => authority.caCertificate,
    'that has expired': async (csr) => at(-3 * DAY_MS, csr),
    'that is not valid yet': async (csr) => at(3 * DAY_MS, csr),
    'labelled X509': label('X509 CERTIFICATE'),
    'labelled TRUSTED': label('TRUSTED CERTIFICATE'),
    'behind a private key': async (_csr, honest) => `${(await makeKeyWithRequest(HOST)).privateKey}\n${honest}`,
    'behind a foreign one': async (_csr, honest) => `${await foreign()}\n${honest}`,
    'in front of a foreign one': async (_csr, honest) => `${honest}\n${await foreign()}`,
    'in front of a private key': async (_csr, honest) => `${honest}\n${(await makeKeyWithRequest(HOST)).privateKey}`,
    'behind a line of text': async (_csr, honest) => `good morning\n${honest}`,
    'behind a block of another kind': async (_csr, honest) =>
      `-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n${honest}`,
    'on one line': async (_csr, honest) => honest.replaceAll('\n', ''),
    'with line ends of DOS': async (_csr, honest) => honest.replaceAll('\n', '\r\n'),
  };
}

/**
 * Gives the host an identity that is getting old, so that it renews it in its next session, and looks at what stands in
 * the identity's file then. Everything is put back.
 */
export async function attemptRenewal(host: AttackedHost, { answer }: CertificateTrial): Promise<Verdict> {
  const folder = hostFolders(host.stateDirectory).identity;
  const file = join(folder, 'tls.pem');
  const honest = readFileSync(file);
  const aged = await agedIdentity(host);
  new IdentityStore(folder).saveTls(aged);
  const before = readFileSync(file);
  host.controlPlane.answers = { ...host.honest.all(), renew: answer };
  const waits = await host.happenings.next(await host.beginSession(), ({ is }) => is === 'timer');
  host.clock.endDue();
  const set = await host.happenings.next(waits.mark, ({ is }) => is === 'timer');
  const trouble = host.happenings.all.slice(waits.mark, set.mark).find(({ is }) => is === 'trouble');
  const ending: Ending = readFileSync(file).equals(before) ? 'refused' : 'as-honest';
  const faults = ending === 'as-honest' ? identityFaults(folder, host.controlPlane.authority.caCertificate) : [];
  const lost = await sessionFaults(host);
  writeFileSync(file, honest);
  await host.settle();
  const all = [...faults, ...lost];
  if (all.length > 0) return { ending: 'violated', details: all.join('; ') };
  return { ending, details: trouble?.is === 'trouble' ? trouble.reason : '' };
}

/** Past two thirds of its life. */
async function agedIdentity(host: AttackedHost): Promise<{ privateKey: string; certificate: string }> {
  const { privateKey, csr } = await makeKeyWithRequest(HOST);
  host.issuingClock.shiftMs = -17 * HOUR_MS;
  const certificate = await host.honest.certificateFor(csr);
  host.issuingClock.shiftMs = 0;
  return { privateKey, certificate };
}

/** With whatever identity it has now, the host still finds its control plane. */
async function sessionFaults(host: AttackedHost): Promise<string[]> {
  host.controlPlane.answers = host.honest.all();
  const mark = await host.endSession();
  host.clock.endWaits();
  const { happening } = await host.happenings.next(
    mark,
    (happened) => happened.is === 'waiting' || (happened.is === 'link' && happened.state === 'open'),
  );
  return happening.is === 'link' ? [] : ['the host finds its control plane no more'];
}

function identityFaults(folder: string, caCertificate: string): string[] {
  const { certificate, privateKey } = new IdentityStore(folder).loadTls();
  if (certificate === '') return ['the identity holds no certificate'];
  const issued = new X509Certificate(certificate);
  const now = Date.now();
  return [
    ...(issued.verify(new X509Certificate(caCertificate).publicKey) ? [] : ['another CA has signed the identity']),
    ...(issued.checkPrivateKey(createPrivateKey(privateKey)) ? [] : ['the identity is for another key']),
    ...(issued.subjectAltName === `URI:${hostUri(HOST)}` ? [] : [`the identity names "${issued.subjectAltName}"`]),
    ...(Date.parse(issued.validFrom) <= now && now < Date.parse(issued.validTo)
      ? []
      : ['the identity is not valid now']),
  ];
}

/** Enrols another host; what is left of a refused one must not be taken for enrolled. */
export async function attemptEnrolment(host: AttackedHost, { answer }: CertificateTrial): Promise<Verdict> {
  const stateDirectory = join(host.temporary, 'enrolling');
  host.controlPlane.answers = { ...host.honest.all(), enrol: ({ csr }) => answer(csr) };
  try {
    const refusal = await refusalOf(enrolHost(stateDirectory, { ...host.enrolment(), now: new Date() }));
    const isEnrolled = (await refusalOf((async () => loadHostConfig(stateDirectory))())) === undefined;
    if (refusal !== undefined) {
      return isEnrolled
        ? { ending: 'violated', details: 'a refused enrolment left a host that counts as enrolled' }
        : { ending: 'refused', details: refusal };
    }
    const faults = identityFaults(hostFolders(stateDirectory).identity, host.controlPlane.authority.caCertificate);
    return { ending: faults.length === 0 ? 'as-honest' : 'violated', details: faults.join('; ') };
  } finally {
    rmSync(stateDirectory, { recursive: true, force: true });
  }
}

async function refusalOf(action: Promise<unknown>): Promise<string | undefined> {
  try {
    await action;
    return undefined;
  } catch (error) {
    if (error instanceof RejectedError) return error.code;
    if (error instanceof TransientError) return `transient: ${error.message}`;
    throw error;
  }
}
