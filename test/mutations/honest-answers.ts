/** What an honest control plane answers, as bytes on the wire: what is recorded, and what each mutation begins from. */
import protobuf from 'protobufjs';

import type { CertificateAuthority } from '../../control-plane/authority/certificate-authority.ts';
import { RejectedError } from '../../shared/errors.ts';
import descriptor from '../../shared/rpc/generated/descriptor.json' with { type: 'json' };
import type { ContentWant, ControlToAgent, Directive, EnrolRequest } from '../../shared/rpc/generated/messages.ts';
import type { HostileAnswers } from '../support/hostile-control-plane.ts';
import type { SignedRepository } from './signed-repository.ts';

/** Small, so that every file comes in several pieces. */
const PIECE_BYTES = 400;
const PARCEL_BYTES = 5000;

const root = protobuf.Root.fromJSON(descriptor);

/** A message of `proto/keyturn/v1` as bytes. */
export function encodeMessage(name: string, message: object): Buffer {
  const type = root.lookupType(`keyturn.v1.${name}`);
  return Buffer.from(type.encode(type.fromObject(message)).finish());
}

export function encodeControl(message: ControlToAgent): Buffer {
  return encodeMessage('ControlToAgent', message);
}

export function directiveMessage(seq: number, directive: Directive, ack = 0): Buffer {
  return encodeControl({ seq, ack, body: 'directive', directive });
}

export class HonestAnswers implements HostileAnswers {
  readonly #repository: SignedRepository;
  authority: CertificateAuthority | undefined;
  position: () => { heardId: number; lastDirective: number } = () => ({ heardId: 0, lastDirective: 0 });

  constructor(repository: SignedRepository) {
    this.#repository = repository;
  }

  readonly welcome = (): readonly Buffer[] => {
    const { heardId, lastDirective } = this.position();
    return [encodeControl({ seq: 0, ack: heardId, body: 'welcome', welcome: { lastDirectiveSeq: lastDirective } })];
  };

  readonly metadata = (name: string): AsyncIterable<Buffer> => metadataPieces(this.file(name));

  readonly content = async function* (this: HonestAnswers, wants: readonly ContentWant[]): AsyncIterable<Buffer> {
    for (const [index, want] of wants.entries()) yield* parcelsOf(want, { index, bytes: this.blob(want.sha256) });
  }.bind(this);

  readonly renew = async (csr: Buffer): Promise<Buffer> =>
    encodeMessage('RenewCertificateResponse', { certificate: await this.certificateFor(csr) });

  readonly enrol = async ({ csr, host }: EnrolRequest): Promise<Buffer> =>
    encodeMessage('EnrolResponse', { certificate: await this.certificateFor(csr, host) });

  all(): HostileAnswers {
    const { welcome, metadata, content, renew, enrol } = this;
    return { welcome, metadata, content, renew, enrol };
  }

  file(name: string): Buffer {
    const bytes = this.#repository.files.get(name);
    if (bytes === undefined) throw new RejectedError('metadata-not-found', `no file "${name}"`);
    return bytes;
  }

  blob(digest: string): Buffer {
    const bytes = this.#repository.blobs.get(digest);
    if (bytes === undefined) throw new RejectedError('blob-not-found', `no blob "${digest}"`);
    return bytes;
  }

  async certificateFor(csr: Buffer, host = 'devhost-1'): Promise<string> {
    const issued = await this.authority?.issueHostCertificate(csr, host);
    return issued?.certificate ?? '';
  }
}

/** A file as the messages that carry it. */
export async function* metadataPieces(bytes: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at === 0 || at < bytes.length; at += PIECE_BYTES) {
    yield encodeMessage('MetadataPiece', { data: bytes.subarray(at, at + PIECE_BYTES) });
  }
}

/** What is wanted of a blob, as the messages that carry it; `index` is the number of the want in its request. */
export async function* parcelsOf(
  { offset, length }: ContentWant,
  { index, bytes }: { index: number; bytes: Buffer },
): AsyncGenerator<Buffer> {
  const end = length === 0 ? bytes.length : offset + length;
  for (let at = offset; at < end; at += PARCEL_BYTES)
    yield parcel(index, bytes.subarray(at, Math.min(end, at + PARCEL_BYTES)));
}

export function parcel(want: number, plain: Buffer): Buffer {
  return encodeMessage('ContentParcel', { slices: [{ want, length: plain.length }], plain });
}
