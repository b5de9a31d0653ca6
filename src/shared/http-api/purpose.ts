/** What is being done to what, for errors: `read the job` and `blog`. */
export interface Purpose {
  operation: string;
  subject: string;
}
