/** A message on its way to the host, and every mutation of it: of each field of each message inside of it. */
import { fieldMutations, type OtherPayloads, wholeMutations } from './field-mutations.ts';
import { type FieldShape, keyOf, messagesToHosts } from './message-shapes.ts';
import { changeMessage, readRecords, type WirePath } from './wire.ts';

export interface MutatedMessage {
  /** `Deploy.runId`, or `Deploy.*` for what no field is to blame for. */
  readonly field: string;
  readonly mutation: string;
  readonly bytes: Buffer;
}

const shapes = messagesToHosts();

/** Every message inside of a message, itself first. */
function messagesIn(
  bytes: Buffer,
  name: string,
  path: WirePath = [],
): { name: string; path: WirePath; bytes: Buffer }[] {
  const fields = (shapes.get(name) ?? []).filter(({ kind }) => kind === 'message');
  const inner = fields.flatMap((field) => {
    const records = readRecords(bytes).filter(({ number }) => number === field.number);
    // Of a list the first one stands for all.
    return records
      .slice(0, 1)
      .flatMap(({ payload }) => messagesIn(payload, field.messageName, [...path, { number: field.number, index: 0 }]));
  });
  return [{ name, path, bytes }, ...inner];
}

/** `only` names the one field that is wanted: some mutations are megabytes long. */
export function mutatedMessages(
  { bytes, name, only }: { bytes: Buffer; name: string; only?: string },
  others: OtherPayloads,
): MutatedMessage[] {
  const wanted = messagesIn(bytes, name).filter((inner) => only === undefined || only.startsWith(`${inner.name}.`));
  return wanted.flatMap((inner) => {
    const around = (mutated: Buffer) => changeMessage(bytes, inner.path, () => mutated);
    const fields = (shapes.get(inner.name) ?? []).filter((field) => only === undefined || only === keyOf(field));
    const ofFields = fields.flatMap((field: FieldShape) =>
      fieldMutations(inner.bytes, field, others).map((mutation) => ({
        field: keyOf(field),
        mutation: mutation.name,
        bytes: around(mutation.bytes),
      })),
    );
    const ofWhole = wholeMutations(inner.bytes, inner.name).map((mutation) => ({
      field: `${inner.name}.*`,
      mutation: mutation.name,
      bytes: around(mutation.bytes),
    }));
    return [...ofFields, ...ofWhole];
  });
}
