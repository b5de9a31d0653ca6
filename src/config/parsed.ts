/** What reading a value gives: the value in its normal form, or what is wrong with it, as a phrase: "has a port". */
export type Parsed<Value> = { value: Value } | { problem: string };
