/** A message on its way to the host, and every mutation of it: of each field of each message inside of it. */
import { fieldMutations, type MessageMutation, type OtherPayloads, wholeMutations } from './field-mutations.ts';
import { keyOf, messagesToHosts } from './message-shapes.ts';
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

/** `only` names the one mutation that is wanted: some are megabytes long. */
export function mutatedMessages(
  { bytes, name, only }: { bytes: Buffer; name: string; only?: Omit<MutatedMessage, 'bytes'> },
  others: OtherPayloads,
): MutatedMessage[] {
  const isWanted = (field: string, mutation = only?.mutation) =>
    only === undefined || (only.field === field && only.mutation === mutation);
  return messagesIn(bytes, name).flatMap((inner) => {
    const mutated = (field: string, mutations: readonly MessageMutation[]): MutatedMessage[] =>
      mutations
        .filter((mutation) => isWanted(field, mutation.name))
        .map((mutation) => ({
          field,
          mutation: mutation.name,
          bytes: changeMessage(bytes, inner.path, () => mutation.bytes),
        }));
    const fields = (shapes.get(inner.name) ?? []).filter((field) => isWanted(keyOf(field)));
    return [
      ...fields.flatMap((field) => mutated(keyOf(field), fieldMutations(inner.bytes, field, others))),
      ...mutated(`${inner.name}.*`, wholeMutations(inner.bytes, inner.name)),
    ];
  });
}
