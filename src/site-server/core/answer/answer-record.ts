import {
  ANSWER_AT_BYTES,
  ANSWER_AT_FILE,
  ANSWER_AT_FLAGS,
  ANSWER_AT_FORM,
  ANSWER_AT_FORM_RECORD,
  ANSWER_AT_OFFSET,
  ANSWER_AT_PATH,
  ANSWER_AT_PATH_LENGTH,
  ANSWER_AT_SOURCE,
  ANSWER_SIZE,
  FILE_AT_PATH,
  FILE_AT_PATH_LENGTH,
  FORM_AT_OFFSET,
  FORM_AT_SOURCE,
} from "../layout";
import { ANSWER } from "./buffers";

export function clearAnswer(): void {
  for (let i: u32 = 0; i < <u32>ANSWER_SIZE; i += 8) store<u64>(ANSWER + i, 0);
}

export function addAnswerFlag(flag: u8): void {
  store<u8>(ANSWER + ANSWER_AT_FLAGS, load<u8>(ANSWER + ANSWER_AT_FLAGS) | flag);
}

/**
 * Says which file the body is of.
 *
 * @param form FORM_*
 * @param record the address of that form's record
 */
export function setAnswerFile(site: u32, file: u32, form: u32, record: u32): void {
  store<u32>(ANSWER + ANSWER_AT_FILE, file);
  store<u32>(ANSWER + ANSWER_AT_PATH, site + load<u32>(file + FILE_AT_PATH));
  store<u32>(ANSWER + ANSWER_AT_PATH_LENGTH, load<u16>(file + FILE_AT_PATH_LENGTH));
  store<u8>(ANSWER + ANSWER_AT_FORM, <u8>form);
  store<u32>(ANSWER + ANSWER_AT_FORM_RECORD, record);
  store<u32>(ANSWER + ANSWER_AT_SOURCE, load<u32>(record + FORM_AT_SOURCE));
}

/** Says that of the form `bytes` bytes are sent, the first of them at `start`. */
export function setAnswerBody(record: u32, start: f64, bytes: f64): void {
  store<f64>(ANSWER + ANSWER_AT_OFFSET, load<f64>(record + FORM_AT_OFFSET) + start);
  store<f64>(ANSWER + ANSWER_AT_BYTES, bytes);
}
