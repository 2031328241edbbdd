<?php
// Usage: php segment.php PICTURE|ADDRESS

declare(strict_types=1);

$server = getenv('SILHOUETTE_URL') ?: 'http://127.0.0.1:9001';
$model = getenv('SILHOUETTE_MODEL') ?: 'tabletop/1';
$picture = $argv[1];

$query = ['api_key' => getenv('SILHOUETTE_API_KEY') ?: ''];
$http = ['method' => 'POST', 'header' => 'Content-Type: application/x-www-form-urlencoded', 'ignore_errors' => true];
if (preg_match('~^https?://~', $picture)) {
    $query['image'] = $picture;
} else {
    $http['content'] = base64_encode(file_get_contents($picture));
}

$body = file_get_contents("$server/$model?" . http_build_query($query), false, stream_context_create(['http' => $http]));
$answer = json_decode($body, true, 512, JSON_THROW_ON_ERROR);
if (!isset($answer['predictions'])) {
    fwrite(STDERR, $body . PHP_EOL);
    exit(1);
}

foreach ($answer['predictions'] as $found) {
    printf(
        "%s  %d%%  at %g,%g  %gx%g  %d points\n",
        $found['class'],
        round($found['confidence'] * 100),
        $found['x'],
        $found['y'],
        $found['width'],
        $found['height'],
        count($found['points'])
    );
}
