// Usage: segment PICTURE|ADDRESS
// Build: gcc segment.m $(gnustep-config --objc-flags) $(gnustep-config --base-libs) -o segment
#import <Foundation/Foundation.h>

static NSString *variable(NSString *name, NSString *otherwise) {
    NSString *value = [[[NSProcessInfo processInfo] environment] objectForKey:name];
    return [value length] > 0 ? value : otherwise;
}

/** A text as it may stand in the query of an address. */
static NSString *escaped(NSString *text) {
    NSCharacterSet *plain = [NSCharacterSet characterSetWithCharactersInString:
        @"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"];
    return [text stringByAddingPercentEncodingWithAllowedCharacters:plain];
}

int main(int argc, const char *argv[]) {
    NSAutoreleasePool *pool = [NSAutoreleasePool new];
    if (argc < 2) return 2;
    NSString *picture = [NSString stringWithUTF8String:argv[1]];
    NSMutableString *address = [NSMutableString stringWithFormat:@"%@/%@?api_key=%@",
        variable(@"SILHOUETTE_URL", @"http://127.0.0.1:9001"), variable(@"SILHOUETTE_MODEL", @"tabletop/1"),
        escaped(variable(@"SILHOUETTE_API_KEY", @""))];
    NSData *body = nil;
    if ([picture hasPrefix:@"http"]) {
        [address appendFormat:@"&image=%@", escaped(picture)];
    } else {
        body = [[NSData dataWithContentsOfFile:picture] base64EncodedDataWithOptions:0];
    }

    NSMutableURLRequest *request = [NSMutableURLRequest requestWithURL:[NSURL URLWithString:address]];
    [request setHTTPMethod:@"POST"];
    if (body != nil) {
        [request setHTTPBody:body];
        [request setValue:@"application/x-www-form-urlencoded" forHTTPHeaderField:@"Content-Type"];
    }
    NSURLResponse *response = nil;
    NSError *error = nil;
    NSData *data = [NSURLConnection sendSynchronousRequest:request returningResponse:&response error:&error];
    NSDictionary *answer = data == nil ? nil : [NSJSONSerialization JSONObjectWithData:data options:0 error:&error];
    NSArray *predictions = [answer objectForKey:@"predictions"];
    if (predictions == nil) {
        fprintf(stderr, "%s\n", [[(answer ?: (id)error) description] UTF8String]);
        return 1;
    }
    for (NSDictionary *each in predictions) {
        printf("%s  %.0f%%  at %g,%g  %gx%g  %lu points\n", [[each objectForKey:@"class"] UTF8String],
            [[each objectForKey:@"confidence"] doubleValue] * 100, [[each objectForKey:@"x"] doubleValue],
            [[each objectForKey:@"y"] doubleValue], [[each objectForKey:@"width"] doubleValue],
            [[each objectForKey:@"height"] doubleValue], (unsigned long)[[each objectForKey:@"points"] count]);
    }
    [pool release];
    return 0;
}
