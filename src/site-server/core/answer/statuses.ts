/** The reason phrase of a status (RFC 9110, section 15). One that is not known here has the phrase of its class. */
export function reasonOf(status: u32): string {
  switch (status) {
    case 200:
      return "OK";
    case 204:
      return "No Content";
    case 206:
      return "Partial Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    default:
      return status < 500 ? clientReason(status) : serverReason(status);
  }
}

function clientReason(status: u32): string {
  switch (status) {
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 410:
      return "Gone";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 416:
      return "Range Not Satisfiable";
    case 417:
      return "Expectation Failed";
    case 421:
      return "Misdirected Request";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 451:
      return "Unavailable For Legal Reasons";
    default:
      return status < 300 ? "OK" : status < 400 ? "Redirect" : "Bad Request";
  }
}

function serverReason(status: u32): string {
  switch (status) {
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Internal Server Error";
  }
}

/** What the built-in page of a status says to its reader. */
export function explanationOf(status: u32): string {
  switch (status) {
    case 400:
      return "This request cannot be read.";
    case 404:
      return "There is no page at this address.";
    case 405:
      return "A static site answers GET and HEAD.";
    case 408:
      return "The request did not come in time.";
    case 410:
      return "This page is gone for good.";
    case 413:
      return "The request is too large.";
    case 414:
      return "This address is too long.";
    case 417:
      return "What the request expects cannot be met.";
    case 431:
      return "The fields of the request are too large.";
    case 501:
      return "This server does not know how to do that.";
    case 502:
    case 503:
    case 504:
      return "The site does not answer at the moment. Please try again later.";
    case 505:
      return "This server speaks HTTP/1.1.";
    default:
      return status < 500 ? "This request cannot be answered." : "Something went wrong on the server.";
  }
}
