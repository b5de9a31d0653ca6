export { type BeforeMigration, type Row, Store } from "./store.ts";
