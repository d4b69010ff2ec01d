// CCAuth authorizes card payments: the legacy WCF service that keeps a Windows node in the cluster.
//
//   GET /ccauth.svc/authorize?ccNum=4111111111111111&amount=10.00  ->  200 "Auth Code: 6868"
//   ccNum ends in 9, or amount is 1000 or more                     ->  200 "Declined"
//   anything that is not a card number and an amount               ->  400 "<one sentence: what is wrong>"
//   GET /ccauth.svc/health                                         ->  200 "ok"
//
// Every answer is a JSON string. Written in C# 5: ASP.NET compiles App_Code with the compiler of the
// framework itself.

using System;
using System.Globalization;
using System.Net;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.ServiceModel;
using System.ServiceModel.Web;
using System.Text;
using System.Text.RegularExpressions;

namespace Microcosm
{
    [ServiceContract]
    public interface ICCAuth
    {
        // Both parameters are strings on the wire: WCF's own converters answer a malformed number with an
        // HTML page.
        [OperationContract]
        [WebGet(
            UriTemplate = "authorize?ccNum={ccNum}&amount={amount}",
            ResponseFormat = WebMessageFormat.Json)]
        string Authorize(string ccNum, string amount);

        [OperationContract]
        [WebGet(UriTemplate = "health", ResponseFormat = WebMessageFormat.Json)]
        string Health();
    }

    [ServiceBehavior(
        InstanceContextMode = InstanceContextMode.PerCall,
        ConcurrencyMode = ConcurrencyMode.Multiple)]
    public class CCAuth : ICCAuth
    {
        public string Authorize(string ccNum, string amount)
        {
            Answer.DescribeHost();
            try
            {
                return Decision.Of(Query.CardNumber(ccNum), Query.Amount(amount));
            }
            catch (BadRequest problem)
            {
                return Answer.Refuse(problem.Message);
            }
        }

        public string Health()
        {
            Answer.DescribeHost();
            return "ok";
        }
    }

    // The rule of the talk, on numbers alone.
    public static class Decision
    {
        public const string Declined = "Declined";
        public const decimal Limit = 1000m;
        public const ulong DeclinedLastDigit = 9;

        public static string Of(ulong ccNum, decimal amount)
        {
            if (ccNum % 10 == DeclinedLastDigit || amount >= Limit)
            {
                return Declined;
            }
            return "Auth Code: " + CodeFor(ccNum, amount);
        }

        // The last four digits of the first 32 bits of SHA-256 over "<ccNum>|<amount without trailing
        // zeros>". A hash and not a random number, because a GET may be sent again by any proxy on the way,
        // and the same purchase must then get the same code.
        private static string CodeFor(ulong ccNum, decimal amount)
        {
            string purchase = string.Format(CultureInfo.InvariantCulture, "{0}|{1}", ccNum, Plain(amount));
            using (SHA256 sha = SHA256.Create())
            {
                byte[] digest = sha.ComputeHash(Encoding.ASCII.GetBytes(purchase));
                uint high = ((uint)digest[0] << 24) | ((uint)digest[1] << 16);
                uint number = high | ((uint)digest[2] << 8) | digest[3];
                return (number % 10000).ToString("D4", CultureInfo.InvariantCulture);
            }
        }

        // A decimal keeps the zeros it was written with (10.50); dividing by one with 28 zeros takes them off
        // (10.5).
        private static string Plain(decimal amount)
        {
            return (amount / 1.0000000000000000000000000000m).ToString(CultureInfo.InvariantCulture);
        }
    }

    // From query string to number, or BadRequest. The patterns come first: TryParse alone would let other
    // digits of Unicode, trailing NULs, signs and separators pass. No sentence repeats a card number: answers
    // end up in logs.
    public static class Query
    {
        // 28 digits always fit a decimal exactly; from the 29th on, Parse rounds without a word.
        public const int AmountDigits = 28;

        private const string Example = "for example authorize?ccNum=4111111111111111&amount=10.00.";
        private static readonly Regex Digits = new Regex(@"\A[0-9]{1,20}\z", RegexOptions.CultureInvariant);
        private static readonly Regex Money =
            new Regex(@"\A[0-9]+(\.[0-9]+)?\z", RegexOptions.CultureInvariant);

        public static ulong CardNumber(string text)
        {
            if (string.IsNullOrEmpty(text))
            {
                throw new BadRequest("ccNum is missing: send the card number, " + Example);
            }
            if (!Digits.IsMatch(text))
            {
                throw new BadRequest("ccNum must be 1 to 20 digits, without spaces, signs or letters.");
            }
            ulong number;
            if (!ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number))
            {
                string largest = ulong.MaxValue.ToString(CultureInfo.InvariantCulture);
                throw new BadRequest("ccNum must not exceed " + largest + ".");
            }
            return number;
        }

        public static decimal Amount(string text)
        {
            if (string.IsNullOrEmpty(text))
            {
                throw new BadRequest("amount is missing: send the amount, " + Example);
            }
            if (text[0] == '-' && Money.IsMatch(text.Substring(1)))
            {
                throw new BadRequest("amount must not be negative.");
            }
            if (!Money.IsMatch(text))
            {
                throw new BadRequest(
                    "amount must be digits with at most one point, such as 10.00, "
                    + "without signs, spaces or commas.");
            }
            if (text.Replace(".", "").Length > AmountDigits)
            {
                throw new BadRequest(
                    "amount must have at most " + AmountDigits + " digits: more cannot be kept exactly.");
            }
            return decimal.Parse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture);
        }
    }

    public class BadRequest : Exception
    {
        public BadRequest(string sentence) : base(sentence)
        {
        }
    }

    // What goes with every answer besides its text.
    public static class Answer
    {
        // The page shows where its answer came from; it can only know from here.
        // NODE_NAME is the pod's spec.nodeName, absent outside a cluster.
        public static void DescribeHost()
        {
            OutgoingWebResponseContext response = WebOperationContext.Current.OutgoingResponse;
            response.Headers["Cache-Control"] = "no-store";
            response.Headers["X-CCAuth-OS"] = RuntimeInformation.OSDescription.Trim();
            response.Headers["X-CCAuth-Runtime"] = RuntimeInformation.FrameworkDescription.Trim();
            string node = Environment.GetEnvironmentVariable("NODE_NAME");
            if (!string.IsNullOrEmpty(node))
            {
                response.Headers["X-CCAuth-Node"] = node;
            }
        }

        public static string Refuse(string sentence)
        {
            WebOperationContext.Current.OutgoingResponse.StatusCode = HttpStatusCode.BadRequest;
            return sentence;
        }
    }
}
